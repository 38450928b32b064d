"""Scoring a pool: texts are tokenised once and kept, then read in batches of like length."""
