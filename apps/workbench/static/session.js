// Which project, which annotator, and what the server says of both; shared by all screens.

import { call, inProject } from "./api.js";
import { sendLeftovers } from "./outbox.js";

/** States of the trainer in which it is at work, or about to be. */
export const BUSY = new Set(["waiting", "starting", "training"]);
const ANNOTATOR = "alnlp/annotator";

/**
 * Events: "project" (project or annotator changed; `state` may be null), "status" (counts, round
 * or trainer changed), "projects" (the list changed), "lost" (the server does not answer).
 */
class Session extends EventTarget {
  projects = [];
  project = null;
  annotator = "";
  fixed = false; // the annotator is the user of the password
  state = null; // task, labels, guidelines of the project
  status = null;
  lost = null;
  listed = false; // the list of projects is known, and none of them has been found missing
  timer = null;
  started = null;

  start() {
    this.started ??= this.begin();
    return this.started;
  }

  async begin() {
    document.addEventListener("visibilitychange", () => this.poll());
    await this.find();
    sendLeftovers(this.projects);
  }

  /** List the projects and take one up: the one in use, the one in the address, or the first. */
  async find() {
    const wanted = new URLSearchParams(location.search).get("project");
    await this.loadProjects();
    this.annotator ||= stored(ANNOTATOR) || "me";
    if (!this.listed) {
      this.emit("project");
      this.poll();
      return;
    }
    const known = [this.project, wanted, this.selected].find((name) => this.projects.includes(name));
    await this.select(known ?? this.projects[0] ?? null);
  }

  /** Ask again whatever could not be read. */
  again() {
    return this.listed ? this.reload() : this.find();
  }

  async loadProjects() {
    try {
      const answer = await call("projects");
      this.projects = answer.projects;
      this.selected = answer.selected;
      this.fixed = answer.user !== null;
      if (this.fixed) this.annotator = answer.user;
      this.listed = true;
      this.found();
    } catch (error) {
      this.missing(error);
    }
    this.emit("projects");
  }

  async select(name) {
    this.project = name;
    this.state = this.status = null;
    const address = new URL(location.href);
    if (name) address.searchParams.set("project", name);
    else address.searchParams.delete("project");
    history.replaceState(history.state, "", address);
    this.emit("projects");
    await this.reload();
  }

  async rename(annotator) {
    const name = annotator.trim();
    if (!name || name === this.annotator || this.fixed) return;
    this.annotator = name;
    try {
      localStorage.setItem(ANNOTATOR, name);
    } catch {
      // It is asked for again at the next visit.
    }
    await this.reload();
  }

  /** Read the project's state anew and tell all screens. */
  async reload() {
    const project = this.project;
    if (project) {
      try {
        const query = { annotator: this.annotator };
        const state = await call(inProject(project, "state", query));
        if (project !== this.project) return;
        this.state = state;
        this.status = state.status;
        this.found();
      } catch (error) {
        this.missing(error);
      }
    }
    this.emit("project");
    if (this.status) this.emit("status");
    this.poll();
  }

  /** Take a status that came with another answer. */
  publish(status) {
    if (!status || status.name !== this.project) return;
    this.status = status;
    this.found();
    this.emit("status");
    const labels = this.state?.task.labels ?? status.labels;
    if (status.labels.join("\n") !== labels.join("\n")) this.reload(); // somebody added one
  }

  poll() {
    clearTimeout(this.timer);
    if ((!this.project && !this.lost) || document.visibilityState === "hidden") return;
    const wait = BUSY.has(this.status?.trainer.state) || this.lost ? 1500 : 5000;
    this.timer = setTimeout(() => this.look(), wait);
  }

  async look() {
    const project = this.project;
    try {
      if (!this.state || !this.listed) {
        await this.again();
        return;
      }
      const status = await call(inProject(project, "status"));
      if (project === this.project) this.publish(status);
    } catch (error) {
      this.missing(error);
    }
    this.poll();
  }

  found() {
    if (this.lost) sendLeftovers(this.projects);
    this.lost = null;
  }

  missing(error) {
    this.lost = error;
    if (error.status === 404) this.listed = false;
    this.emit("lost");
  }

  emit(name) {
    this.dispatchEvent(new Event(name));
  }
}

function stored(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

export const session = new Session();
