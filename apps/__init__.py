"""The applications on top of alnlp; installed as `alnlp_apps`."""
