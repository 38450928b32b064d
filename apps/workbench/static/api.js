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
  const response = await reach(path, body);
  const answer = await read(response);
  if (!response.ok || answer === null) throw refusal(response, answer);
  return answer;
}

/** GET a file; resolves to it and what is remarked about it, {file, remarks}. */
export async function download(path) {
  const response = await reach(path, undefined, null); // a large one takes its time
  if (!response.ok) throw refusal(response, await read(response));
  return { file: await response.blob(), remarks: JSON.parse(response.headers.get("Alnlp-Remarks") ?? "[]") };
}

async function reach(path, body, signal = AbortSignal.timeout(60_000)) {
  const options = { headers: {}, signal };
  if (body !== undefined) {
    options.method = "POST";
    options.headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  try {
    return await fetch(`/alnlp/${path}`, options);
  } catch (error) {
    throw new ApiError(error.message, 0);
  }
}

async function read(response) {
  try {
    return await response.json();
  } catch {
    return null; // a proxy's page, or a connection that broke off: the status says it all
  }
}

function refusal(response, answer) {
  return new ApiError(answer?.error ?? `${response.status} ${response.statusText}`, response.status);
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
