/**
 * The texts that editors have open, and the files beside them. The `.ipe` files of one folder are compiled together, as
 * `ipe check FOLDER` does; with the option `bundle: "workspace"` those of the whole workspace folder.
 */
import { dirname, isAbsolute, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { TextDocument } from "vscode-languageserver-textdocument";
import { type Analysis, analyse, type Compiler, createCompiler, type Source } from "../../core/index.ts";

/** How files are read: the command line's way, with its bounds and its care for links. */
export interface Files {
  /** Policy texts of a folder and of the folders in it, or of one file. Throws where nothing can be read. */
  read(path: string, options: ReadOptions): readonly Source[];
  /** The one name of a file, however it is reached. */
  place(path: string): string;
}

export interface ReadOptions {
  /** Also what stands in the folders of the folder. */
  readonly recursive: boolean;
  /** Folders from which files may be imported, beside the one that is read. */
  readonly roots: readonly string[];
}

export interface WorkspaceOptions {
  readonly bundle: "folder" | "workspace";
}

/** Texts that are compiled together. */
export interface Unit {
  readonly key: string;
  readonly analysis: Analysis;
}

/** Characters of all texts of one unit; beyond it only what is open is looked at. */
export const UNIT_LENGTH_MAX = 32 * 1024 * 1024;

export class Workspace {
  readonly #files: Files;
  readonly #roots: readonly string[];
  readonly #options: WorkspaceOptions;
  readonly #open = new Map<string, TextDocument>();
  readonly #units = new Map<string, Unit>();
  /** They remember what a unit was like before. */
  readonly #compilers = new Map<string, Compiler>();
  /** Places by path, until something changes. */
  readonly #places = new Map<string, string>();
  /** Documents of sources, for positions. */
  readonly #documents = new WeakMap<Source, TextDocument>();

  constructor(files: Files, roots: readonly string[], options: WorkspaceOptions) {
    this.#files = files;
    this.#roots = roots;
    this.#options = options;
  }

  opened(document: TextDocument): void {
    this.#open.set(document.uri, document);
    this.forget();
  }

  closed(uri: string): void {
    this.#open.delete(uri);
    const key = this.keyOf(uri);
    if (!this.openUris.some((open) => this.keyOf(open) === key)) this.#compilers.delete(key);
    this.forget();
  }

  document(uri: string): TextDocument | undefined {
    return this.#open.get(uri);
  }

  get openUris(): readonly string[] {
    return [...this.#open.keys()];
  }

  /** Something changed, here or on disk: everything is read again when it is asked for. */
  forget(): void {
    this.#units.clear();
    this.#places.clear();
  }

  /** The unit that an open document belongs to. */
  unit(uri: string): Unit {
    const key = this.keyOf(uri);
    const known = this.#units.get(key);
    if (known !== undefined) return known;
    const unit = { key, analysis: analyse(this.#sources(key), this.#compilerOf(key)) };
    this.#units.set(key, unit);
    return unit;
  }

  #compilerOf(key: string): Compiler {
    const known = this.#compilers.get(key) ?? createCompiler({ hints: true });
    this.#compilers.set(key, known);
    return known;
  }

  /** What is compiled together has one key: a folder, or the document itself where it is no file. */
  keyOf(uri: string): string {
    const path = pathOf(uri);
    if (path === null) return uri;
    if (this.#options.bundle === "folder") return dirname(path);
    const root = this.#roots.find((folder) => path.startsWith(`${folder}${sep}`));
    return root ?? dirname(path);
  }

  /** The source of a document within its unit; null where the unit does not hold it. */
  sourceOf(uri: string, { analysis }: Unit): Source | null {
    const path = pathOf(uri);
    const place = path === null ? uri : this.#placeOf(path);
    return analysis.sources.find((source) => source.place === place) ?? null;
  }

  /** Lines and characters of a source. */
  documentOf(source: Source): TextDocument {
    const known = this.#documents.get(source);
    if (known !== undefined) return known;
    const document = TextDocument.create(fileUriOf(source), "ipe", 0, source.text);
    this.#documents.set(source, document);
    return document;
  }

  // --- sources ---

  #sources(key: string): Source[] {
    const open = this.#openIn(key);
    const onDisk = isAbsolute(key) ? this.#onDisk(key) : [];
    const texts = new Map(open.map((source) => [source.place, source]));
    const length = [...onDisk, ...open].reduce((sum, source) => sum + source.text.length, 0);
    const others = length > UNIT_LENGTH_MAX ? [] : onDisk.filter(({ place }) => !texts.has(place));
    const all = [...others, ...open].sort((a, b) => (a.place! < b.place! ? -1 : 1));
    // One object for each file, whoever imports it.
    const met = new Map<string, Source>();
    return all.map((source) => this.#withOpenTexts(source, met));
  }

  #onDisk(folder: string): readonly Source[] {
    try {
      const recursive = this.#options.bundle === "workspace";
      return this.#files.read(folder, { recursive, roots: this.#roots });
    } catch {
      // Nothing to read there is nothing to compile with.
      return [];
    }
  }

  #openIn(key: string): Source[] {
    return [...this.#open.values()].flatMap((document): Source[] => {
      if (this.keyOf(document.uri) !== key) return [];
      const path = pathOf(document.uri);
      if (path === null) return [{ name: document.uri, text: document.getText(), place: document.uri }];
      return [this.#fileSource(path, document.getText())];
    });
  }

  /** An open text that imports as the file on disk does. */
  #fileSource(path: string, text: string): Source {
    const place = this.#placeOf(path);
    const read = (imported: string) => {
      try {
        const [onDisk] = this.#files.read(path, { recursive: false, roots: this.#roots });
        const answer = onDisk?.read?.(imported);
        if (answer !== undefined) return answer;
      } catch {
        // A file that was never saved: what it names cannot be found from it.
      }
      return { ok: false as const, problem: "nothing is read from here", help: "save the file first" };
    };
    return { name: path, text, place, read };
  }

  /** What is imported is taken as it is open. */
  #withOpenTexts(source: Source, met: Map<string, Source>): Source {
    const place = source.place!;
    const known = met.get(place);
    if (known !== undefined) return known;
    const { read } = source;
    const text = this.#openText(place) ?? source.text;
    const own: Source =
      read === undefined
        ? { ...source, text }
        : {
            ...source,
            text,
            read: (path) => {
              const answer = read(path);
              return answer.ok ? { ok: true, source: this.#withOpenTexts(answer.source, met) } : answer;
            },
          };
    met.set(place, own);
    return own;
  }

  #openText(place: string): string | null {
    for (const document of this.#open.values()) {
      const path = pathOf(document.uri);
      if (path !== null && this.#placeOf(path) === place) return document.getText();
    }
    return null;
  }

  /** As the client named it, where it has it open. */
  uriOf(source: Source): string {
    for (const { uri } of this.#open.values()) {
      const path = pathOf(uri);
      if (path !== null && this.#placeOf(path) === source.place) return uri;
    }
    return fileUriOf(source);
  }

  #placeOf(path: string): string {
    const known = this.#places.get(path);
    if (known !== undefined) return known;
    const place = this.#files.place(path);
    this.#places.set(path, place);
    return place;
  }
}

/** The path of a file's URI; null for what is no file, such as a draft. */
export function pathOf(uri: string): string | null {
  try {
    return uri.startsWith("file:") ? fileURLToPath(uri) : null;
  } catch {
    return null;
  }
}

function fileUriOf(source: Source): string {
  const place = source.place ?? source.name;
  return place.includes("://") || /^[a-z]+:[^/\\]/i.test(place) ? place : pathToFileURL(place).href;
}
