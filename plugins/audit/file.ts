/** The file that a chain is appended to. A record lasts once `append` resolves, or is not in the file at all. */
import { type FileHandle, open, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { type Fields, type Link, lineAfter, START } from "./chain.ts";
import { walkFile } from "./walk.ts";

/** It says what changed, and who did it. */
const OWNER_FILE = 0o600;
/** Of a record that a crash cut off, to be kept in the next one. */
const TORN_KEPT_MAX = 4_096;

export interface AuditFileOptions {
  /** Is told of every record that is there. */
  readonly visit?: (fields: Fields) => void;
  readonly now?: () => Date;
}

export class AuditFile {
  readonly path: string;
  readonly #file: FileHandle;
  #link: Link = START;
  #bytes = 0;
  /** The file may hold half a record that cannot be taken back. */
  #spoilt: string | null = null;

  private constructor(path: string, file: FileHandle) {
    this.path = path;
    this.#file = file;
  }

  /**
   * Open a file and check its chain, or begin one. Half a record at its end, which a crash leaves, is cut off; a record says so.
   * One process appends to a file.
   *
   * @throws where it cannot be written, or its chain is broken
   */
  static async open(
    path: string,
    { visit, now = () => new Date() }: AuditFileOptions = {},
  ): Promise<AuditFile> {
    const file = await open(path, "a+", OWNER_FILE);
    try {
      if (!(await file.stat()).isFile())
        throw new Error("it is no file, and a chain cannot be read back from it");
      const opened = new AuditFile(path, file);
      await opened.#begin(visit, now);
      return opened;
    } catch (problem) {
      await file.close();
      throw problem;
    }
  }

  /** The end of the chain. */
  get link(): Link {
    return this.#link;
  }

  /**
   * Add a record. One call at a time.
   *
   * @throws where it is not in the file afterwards, with a message that says why
   */
  async append(fields: Fields): Promise<Link> {
    if (this.#spoilt !== null) throw new Error(this.#spoilt);
    await this.#checkPlace();
    const { line, link } = lineAfter(this.#link, fields);
    try {
      await this.#file.appendFile(line);
      await this.#file.sync();
    } catch (problem) {
      await this.#takeBack();
      throw problem;
    }
    this.#link = link;
    this.#bytes += line.length;
    return link;
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  async #begin(visit: AuditFileOptions["visit"], now: () => Date): Promise<void> {
    const { link, bytes, broken, torn } = await walkFile(this.path, { visit: (fields) => visit?.(fields) });
    if (broken !== null)
      throw new Error(`its chain is broken: ${broken.problem}; keep it as evidence, and begin another file`);
    this.#link = link;
    this.#bytes = bytes;
    if (torn !== null) {
      await this.#file.truncate(bytes);
      await this.append({
        ...{ at: now().toISOString(), event: "cut-off", bytes: torn.length },
        beginning: torn.toString("base64", 0, TORN_KEPT_MAX),
      });
    }
    await syncFolder(dirname(this.path));
  }

  /** Whoever moves the file away, or writes into it, would have records go where nobody looks for them. */
  async #checkPlace(): Promise<void> {
    const [ours, there] = await Promise.all([
      this.#file.stat(),
      stat(this.path).catch((problem: unknown) => {
        if ((problem as NodeJS.ErrnoException).code === "ENOENT") return null;
        throw problem;
      }),
    ]);
    if (there === null || there.ino !== ours.ino || there.dev !== ours.dev)
      throw new Error("it was moved or removed while the server ran; put it back, or restart the server");
    if (ours.size !== this.#bytes)
      throw new Error(
        `somebody else wrote to it: it has ${ours.size} bytes, and ${this.#bytes} were written; each server needs a file of its own`,
      );
  }

  async #takeBack(): Promise<void> {
    try {
      await this.#file.truncate(this.#bytes);
      await this.#file.sync();
    } catch {
      this.#spoilt = "half a record may be in it since writing failed; restart the server, which repairs it";
    }
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
