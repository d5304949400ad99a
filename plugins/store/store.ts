/**
 * The last bundles that were put in force, in a folder: `index.json` and `bundles/DIGEST.ipeb`. What is written goes to a file
 * of another name first, is made safe, and takes its name then: the index first names a bundle when its file is there.
 *
 * INVARIANT: whatever step a crash comes after, the index is the old or the new one, and every bundle in it is whole.
 */
import { join } from "node:path";
import {
  type Contents,
  contentsText,
  isDigest,
  NOTHING,
  parseContents,
  type SignedMark,
  type StoredBundle,
} from "./contents.ts";
import { type Disk, systemDisk } from "./disk.ts";

const INDEX = "index.json";
const BUNDLES = "bundles";
const BUNDLE_ENDING = ".ipeb";
const DRAFT_ENDING = ".tmp";

export interface StoreOptions {
  /** Bundles to keep, the one in force among them; 1 at least. */
  readonly keep: number;
  readonly disk?: Disk;
}

/** A bundle that is about to be in force. */
export interface NewBundle extends Omit<StoredBundle, "sequence" | "bytes"> {
  /** Its bytes; null where the store has them, and whoever asks has read them. */
  readonly content: { readonly length: number; chunks(): Iterable<Uint8Array> } | null;
  /** The watched path brought it. */
  readonly fromWatched: boolean;
  /** Of its statement, where that was verified. */
  readonly signedSequence: number | null;
}

export class BundleStore {
  readonly folder: string;
  readonly #keep: number;
  readonly #disk: Disk;
  #contents: Contents = NOTHING;
  /** Texts that the index may have if nobody else writes it: the last one, and one whose writing failed half-way. */
  #texts: readonly (string | null)[] = [null];

  private constructor(folder: string, { keep, disk = systemDisk }: StoreOptions) {
    this.folder = folder;
    this.#keep = keep;
    this.#disk = disk;
  }

  /**
   * Open a store, or begin one. What a crash has left half done is removed. One process writes to a store at a time.
   *
   * @throws where the folder cannot be written, or its index cannot be read
   */
  static async open(folder: string, options: StoreOptions): Promise<BundleStore> {
    const store = new BundleStore(folder, options);
    await store.#disk.makeFolder(join(folder, BUNDLES));
    const text = await store.#indexText();
    if (text !== null) store.#contents = parsed(text, folder);
    store.#texts = [text];
    await store.#tidy();
    return store;
  }

  /** The bundle that was put in force last is the first one. */
  get bundles(): readonly StoredBundle[] {
    return this.#contents.bundles;
  }

  /** Digest of what the watched path last put in force; null where it never did. */
  get watched(): string | null {
    return this.#contents.watched;
  }

  get signed(): SignedMark | null {
    return this.#contents.signed;
  }

  get keep(): number {
    return this.#keep;
  }

  /** Where the bytes of a bundle are. Whoever reads them verifies that they still are that bundle. */
  pathOf(digest: string): string {
    return join(this.folder, BUNDLES, fileOf(digest));
  }

  /**
   * Keep a bundle as the one in force; the oldest beyond `keep` goes. When this resolves it outlives a crash. One call at a time.
   *
   * @throws the system's error, or where somebody else has written to the store; what was in force stays so
   */
  async put({ content, fromWatched, signedSequence, ...bundle }: NewBundle): Promise<StoredBundle> {
    const { bundles, watched, signed } = this.#contents;
    if (!this.#texts.includes(await this.#indexText()))
      throw new Error(`another process writes to the store \`${this.folder}\`: each needs one of its own`);
    const before = bundles.find(({ digest }) => digest === bundle.digest);
    if (content === null && before === undefined)
      throw new Error(`the store \`${this.folder}\` has no bundle ${bundle.digest}`);
    if (content !== null) await this.#write(BUNDLES, fileOf(bundle.digest), content.chunks());
    const added: StoredBundle = {
      ...bundle,
      sequence: (bundles[0]?.sequence ?? 0) + 1,
      bytes: content?.length ?? before?.bytes ?? 0,
    };
    const list = [added, ...bundles.filter((each) => each !== before)];
    await this.#writeIndex({
      bundles: list.slice(0, this.#keep),
      watched: fromWatched ? bundle.digest : watched,
      signed: signedSequence === null ? signed : { sequence: signedSequence, digest: bundle.digest },
    });
    // What cannot be removed now is removed when the store is opened again.
    for (const { digest } of list.slice(this.#keep))
      await this.#disk.remove(this.pathOf(digest)).catch(() => undefined);
    return added;
  }

  async #writeIndex(contents: Contents): Promise<void> {
    const text = contentsText(contents);
    this.#texts = [this.#texts[0]!, text];
    await this.#write("", INDEX, [new TextEncoder().encode(text)]);
    this.#texts = [text];
    this.#contents = contents;
  }

  async #write(folder: string, name: string, chunks: Iterable<Uint8Array>): Promise<void> {
    const place = join(this.folder, folder);
    const draft = join(place, name + DRAFT_ENDING);
    await this.#disk.write(draft, chunks);
    await this.#disk.rename(draft, join(place, name));
    await this.#disk.syncFolder(place);
  }

  async #indexText(): Promise<string | null> {
    const bytes = await this.#disk.read(join(this.folder, INDEX));
    return bytes === null ? null : new TextDecoder().decode(bytes);
  }

  async #tidy(): Promise<void> {
    const known = new Set(this.#contents.bundles.map(({ digest }) => fileOf(digest)));
    const inBundles = await this.#disk.list(join(this.folder, BUNDLES));
    const left = [
      // Only what has the form of our own names: whatever else lies here is somebody's.
      ...inBundles.filter((name) => isOwn(name) && !known.has(name)).map((name) => join(BUNDLES, name)),
      INDEX + DRAFT_ENDING,
    ];
    for (const name of left) await this.#disk.remove(join(this.folder, name));
  }
}

function parsed(text: string, folder: string): Contents {
  try {
    return parseContents(text);
  } catch (problem) {
    throw new Error(
      `\`${join(folder, INDEX)}\` cannot be read: ${(problem as Error).message}; put it back from a copy, or begin a new store in another folder`,
    );
  }
}

/** A colon is no character for names of files everywhere. */
function fileOf(digest: string): string {
  if (!isDigest(digest)) throw new Error(`\`${digest}\` is no digest`);
  return `${digest.replace(":", "-")}${BUNDLE_ENDING}`;
}

function isOwn(name: string): boolean {
  return /^sha256-[0-9a-f]{64}\.ipeb(?:\.tmp)?$/.test(name);
}
