// What the page says to the server, and hears from it.

export class Fault extends Error {
  constructor(error, hint) { super(error); this.hint = hint || ""; }
}

async function answered(response) {
  if (response.ok) return response;
  const said = await response.json().catch(() => ({ error: `the studio answered ${response.status}` }));
  throw new Fault(said.error, said.hint);
}

const UNREACHED = () => new Fault("the studio cannot be reached", "it may have been ended; start it again with i2s-trt studio");

async function reach(path, options) {
  try { return await fetch(path, options); } catch (error) { throw error.name === "AbortError" ? error : UNREACHED(); }
}

export async function ask(path, method = "GET", body = undefined) {
  const json = body !== undefined && !(body instanceof Blob);
  const headers = json ? { "content-type": "application/json" } : {};
  const response = await reach(path, { method, headers, body: json ? JSON.stringify(body) : body });
  return (await answered(response)).json();
}

// Why a file cannot be sent; null where it can.
async function unread(file) {
  try {
    await (file.size ? file.slice(0, 1) : file).arrayBuffer();
  } catch { return new Fault("it cannot be read", "give a file, no folder, that is still there"); }
  return file.size ? null : new Fault("there is nothing in it", "give a file with a picture");
}

// By the older kind of request: the newer one does not say how much has been sent.
export async function upload(file, name, { progressed, signal }) {
  const fault = await unread(file);
  if (fault) throw fault;
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", "/api/photographs");
    request.setRequestHeader("x-name", encodeURIComponent(name));
    request.setRequestHeader("content-type", file.type || "application/octet-stream");
    request.upload.onprogress = ({ loaded, total }) => progressed(loaded < total ? loaded / total : null);
    request.onload = () => answered(new Response(request.response, { status: request.status })).then((one) => one.json()).then(resolve, reject);
    request.onerror = () => unread(file).then((why) => reject(why || UNREACHED()));
    request.onabort = () => reject(new DOMException("cancelled", "AbortError"));
    signal.addEventListener("abort", () => request.abort());
    request.send(file);
  });
}

// What is asked of a page that the studio does not let in; null where it does, or cannot be reached.
async function locked() {
  try {
    const response = await fetch("/api/model");
    if (response.status !== 401) return null;
    const said = await response.json();
    return new Fault(said.error, said.hint);
  } catch { return null; }
}

export async function download(body, signal) {
  const headers = { "content-type": "application/json" };
  const response = await answered(await reach("/api/export", { method: "POST", headers, body: JSON.stringify(body), signal }));
  const named = /filename="?([^";]+)/.exec(response.headers.get("content-disposition") || "");
  return { blob: await response.blob(), name: named ? named[1] : body.kind };
}

// One connection, that comes back by itself. Of several edits that wait the latest is asked for.
export class Line {
  constructor(heard) { this.heard = heard; [this.number, this.waiting, this.locked] = [0, null, null]; this.open(); }

  open() {
    this.socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws`);
    this.socket.binaryType = "arraybuffer";
    this.socket.onopen = () => { this.locked = null; this.heard.connected(true); this.flush(); };
    this.socket.onclose = () => this.again();
    this.socket.onmessage = ({ data }) => (typeof data === "string" ? this.heard.text(JSON.parse(data)) : this.frame(data));
  }

  // A socket does not say why it was refused; a request does.
  async again() {
    if (!this.locked) this.heard.connected(false);
    const before = this.locked;
    this.locked = await locked();
    if (this.locked && !before) this.heard.locked(this.locked);
    setTimeout(() => this.open(), 1000);
  }

  frame(data) {
    const view = new DataView(data);
    const kind = view.getUint8(0), id = view.getUint32(1), bytes = new Uint8Array(data, 5);
    const type = bytes[0] === 0xff ? "image/jpeg" : "image/webp";
    const blob = new Blob([bytes], { type });
    if (kind === 1) this.heard.preview(id, blob); else this.heard.embedding(id, blob);
  }

  preview(edit) { this.waiting = edit; this.flush(); }

  isLatest(id) { return id === this.number && !this.waiting; }

  flush() {
    if (!this.waiting || this.socket.readyState !== WebSocket.OPEN) return;
    this.socket.send(JSON.stringify({ type: "preview", id: ++this.number, edit: this.waiting }));
    this.waiting = null;
  }
}
