/** Ports that are files: whose they are, who may use them, and what a dead server leaves behind. */
import { chmodSync, lstatSync, rmSync } from "node:fs";
import { connect, type Server } from "node:net";
import { Failure } from "../exit.ts";
import { reason } from "../files.ts";

/** Longer paths do not fit into what the system calls an address (unix(7): 108 bytes with the end). */
const PATH_BYTES_MAX = 107;

/**
 * Make room for a socket: one on which nobody answers is removed, whatever else is there stays.
 *
 * @throws Failure where something else is there
 */
export async function claimSocket(path: string): Promise<void> {
  const refuse = (why: string): never => {
    throw new Failure(`cannot listen on \`unix:${path}\`: ${why}`);
  };
  if (Buffer.byteLength(path) > PATH_BYTES_MAX)
    refuse(`the path has more than ${PATH_BYTES_MAX} bytes; choose a shorter one`);
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isSocket())
    refuse(`the file is there already, and is no socket; remove it (rm ${path}), or choose another path`);
  const answer = await knock(path);
  if (answer === "answered") refuse("another process answers there; end it first, or choose another path");
  if (answer === "gone") return;
  if (answer !== "dead") refuse(`a socket is there already: ${answer}`);
  rmSync(path, { force: true });
}

/** Whether somebody listens there, or what the system says instead. */
function knock(path: string): Promise<string> {
  return new Promise((resolve) => {
    const probe = connect(path);
    probe.once("connect", () => {
      probe.destroy();
      resolve("answered");
    });
    probe.once("error", (problem: NodeJS.ErrnoException) => {
      if (problem.code === "ECONNREFUSED") resolve("dead");
      else resolve(problem.code === "ENOENT" ? "gone" : reason(problem));
    });
  });
}

/**
 * The server, and its socket has these access rights from its beginning: until they are set, nobody but this user can
 * connect. Who connects has to be allowed to write.
 */
export function withMode<S extends Server>(server: S, mode: number): S {
  const listen = server.listen.bind(server) as (...words: unknown[]) => S;
  // The file is made before `listen` returns, so nothing else is made under this mask.
  const listenAlone = (...words: unknown[]): S => {
    const mask = process.umask(0o177);
    try {
      return listen(...words);
    } finally {
      process.umask(mask);
    }
  };
  Object.assign(server, { listen: listenAlone });
  server.prependOnceListener("listening", () => {
    const path = server.address();
    if (typeof path === "string") chmodSync(path, mode);
  });
  return server;
}
