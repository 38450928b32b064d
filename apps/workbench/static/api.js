// The JSON routes of the server.

export class ApiError extends Error {
  /** @param {number} status the HTTP status, 0 when the server was not reached. */
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

/** GET, or POST where there is a body; the answer as an object. */
export async function call(path, body) {
  const options = { headers: {}, signal: AbortSignal.timeout(60_000) };
  if (body !== undefined) {
    options.method = "POST";
    options.headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  let response;
  try {
    response = await fetch(`/alnlp/${path}`, options);
  } catch (error) {
    throw new ApiError(error.message, 0);
  }
  let answer = null;
  try {
    answer = await response.json();
  } catch {
    // A proxy's page, or a connection that broke off: the status says it all.
  }
  if (!response.ok || answer === null) {
    throw new ApiError(answer?.error ?? `${response.status} ${response.statusText}`, response.status);
  }
  return answer;
}

/** The path of something inside a project, with a query. */
export function inProject(project, what, query = {}) {
  const search = new URLSearchParams(
    Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== ""),
  ).toString();
  return `projects/${encodeURIComponent(project)}/${what}${search ? `?${search}` : ""}`;
}

/** A token that no other event has; also where the page is not a secure context. */
export function newUid() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
