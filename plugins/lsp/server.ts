/** The server: one connection over stdio, from `initialize` to `exit`. An error in a request is its answer, never the end. */
import {
  CodeActionKind,
  type Connection,
  createConnection,
  DidChangeWatchedFilesNotification,
  ErrorCodes,
  type InitializeParams,
  type InitializeResult,
  ProposedFeatures,
  type Range,
  ResponseError,
  TextDocumentSyncKind,
  type TextEdit,
} from "vscode-languageserver/node";
import { TextDocument } from "vscode-languageserver-textdocument";
import { format, rename, renameRefusal } from "../../core/index.ts";
import {
  codeActions,
  completion,
  definition,
  diagnosticOf,
  documentSymbols,
  editOf,
  foldingRanges,
  highlights,
  hover,
  type Place,
  rangeOf,
  references,
  semanticTokens,
  symbolAt,
  TOKEN_MODIFIERS,
  TOKEN_TYPES,
} from "./features.ts";
import { type Files, pathOf, Workspace } from "./workspace.ts";

export type { Files } from "./workspace.ts";

export interface ServeOptions {
  readonly version: string;
  readonly files: Files;
}

/** After the last change, before the diagnostics are looked for. */
const CHANGE_PAUSE_MS = 150;
/** Characters of a text that is looked at while it is edited. */
const OPEN_LENGTH_MAX = 4 * 1024 * 1024;
/** Texts that are open at once. */
const OPEN_MAX = 1000;

/** Serve the client at stdin and stdout; resolves when it says goodbye. */
export function serveLanguage(options: ServeOptions): Promise<void> {
  const connection = createConnection(ProposedFeatures.all, process.stdin, process.stdout);
  return new Promise((resolve) => {
    connection.onExit(resolve);
    new LanguageServer(connection, options).listen();
  });
}

class LanguageServer {
  readonly #connection: Connection;
  readonly #options: ServeOptions;
  #workspace: Workspace;
  #canWatch = false;
  readonly #pauses = new Map<string, NodeJS.Timeout>();
  /** What is published of each unit, so that it can be taken back. */
  readonly #published = new Map<string, ReadonlySet<string>>();

  constructor(connection: Connection, options: ServeOptions) {
    this.#connection = connection;
    this.#options = options;
    this.#workspace = new Workspace(options.files, [], { bundle: "folder" });
  }

  listen(): void {
    const connection = this.#connection;
    connection.onInitialize((params) => this.#initialize(params));
    connection.onInitialized(() => this.#guarded(() => this.#watch()));
    connection.onDidOpenTextDocument(({ textDocument: { uri, languageId, version, text } }) =>
      this.#guarded(() => this.#open(TextDocument.create(uri, languageId, version, text))),
    );
    connection.onDidChangeTextDocument(({ textDocument: { uri, version }, contentChanges }) =>
      this.#guarded(() => {
        const document = this.#workspace.document(uri);
        if (document !== undefined) this.#open(TextDocument.update(document, contentChanges, version));
      }),
    );
    connection.onDidCloseTextDocument(({ textDocument: { uri } }) => this.#guarded(() => this.#close(uri)));
    connection.onDidSaveTextDocument(() => this.#guarded(() => this.#refresh()));
    connection.onDidChangeWatchedFiles(() => this.#guarded(() => this.#refresh()));
    this.#requests();
    connection.listen();
  }

  #initialize({
    workspaceFolders,
    rootUri,
    initializationOptions,
    capabilities,
  }: InitializeParams): InitializeResult {
    this.#canWatch = capabilities.workspace?.didChangeWatchedFiles?.dynamicRegistration === true;
    const uris = workspaceFolders?.map(({ uri }) => uri) ?? (rootUri == null ? [] : [rootUri]);
    const roots = uris.flatMap((uri) => pathOf(uri) ?? []);
    const asked: unknown = (initializationOptions as { bundle?: unknown } | undefined)?.bundle;
    const bundle = asked === "workspace" ? "workspace" : "folder";
    this.#workspace = new Workspace(this.#options.files, roots, { bundle });
    return {
      serverInfo: { name: "ipe", version: this.#options.version },
      capabilities: {
        textDocumentSync: { openClose: true, change: TextDocumentSyncKind.Incremental, save: true },
        completionProvider: { triggerCharacters: [".", '"', " ", ":", "("] },
        hoverProvider: true,
        definitionProvider: true,
        referencesProvider: true,
        documentHighlightProvider: true,
        renameProvider: { prepareProvider: true },
        documentFormattingProvider: true,
        documentSymbolProvider: true,
        foldingRangeProvider: true,
        codeActionProvider: { codeActionKinds: [CodeActionKind.QuickFix] },
        semanticTokensProvider: {
          legend: { tokenTypes: TOKEN_TYPES, tokenModifiers: TOKEN_MODIFIERS },
          full: true,
        },
      },
    };
  }

  /** Ask to be told of files that change beside those that are open: policies, and what they take their data from. */
  #watch(): void {
    if (!this.#canWatch) return;
    const watchers = [{ globPattern: "**/*.{ipe,json,csv}" }];
    void this.#connection.client.register(DidChangeWatchedFilesNotification.type, { watchers });
  }

  #requests(): void {
    const connection = this.#connection;
    connection.onCompletion(({ textDocument, position }) => {
      const place = this.#place(textDocument.uri, position);
      return place === null ? [] : completion(place);
    });
    connection.onHover(({ textDocument, position }) => {
      const place = this.#place(textDocument.uri, position);
      return place === null ? null : hover(place);
    });
    connection.onDefinition(({ textDocument, position }) => {
      const place = this.#place(textDocument.uri, position);
      return place === null ? null : definition(place);
    });
    connection.onReferences(({ textDocument, position, context }) => {
      const place = this.#place(textDocument.uri, position);
      return place === null ? [] : references(place, context.includeDeclaration);
    });
    connection.onDocumentHighlight(({ textDocument, position }) => {
      const place = this.#place(textDocument.uri, position);
      return place === null ? [] : highlights(place);
    });
    connection.onPrepareRename(({ textDocument, position }) => {
      const place = this.#place(textDocument.uri, position);
      return place === null ? null : this.#prepareRename(place);
    });
    connection.onRenameRequest(({ textDocument, position, newName }) => {
      const place = this.#place(textDocument.uri, position);
      return place === null ? null : this.#rename(place, newName);
    });
    connection.onDocumentFormatting(({ textDocument }) => this.#format(textDocument.uri));
    connection.onDocumentSymbol(({ textDocument }) => {
      const place = this.#place(textDocument.uri);
      return place === null ? [] : documentSymbols(place);
    });
    connection.onFoldingRanges(({ textDocument }) => {
      const place = this.#place(textDocument.uri);
      return place === null ? [] : foldingRanges(place.source);
    });
    connection.onCodeAction(({ textDocument, range }) => {
      const place = this.#place(textDocument.uri);
      return place === null ? [] : codeActions(place, range);
    });
    connection.languages.semanticTokens.on(({ textDocument }) => {
      const place = this.#place(textDocument.uri);
      return { data: place === null ? [] : semanticTokens(place) };
    });
  }

  // --- texts ---

  #open(document: TextDocument): void {
    const known = this.#workspace.document(document.uri) !== undefined;
    if (!known && this.#workspace.openUris.length >= OPEN_MAX) {
      this.#connection.console.warn(`more than ${OPEN_MAX} texts are open: ${document.uri} is not looked at`);
      return;
    }
    this.#workspace.opened(document);
    this.#later(document.uri);
  }

  #close(uri: string): void {
    this.#workspace.closed(uri);
    void this.#connection.sendDiagnostics({ uri, diagnostics: [] });
    for (const other of this.#workspace.openUris) this.#later(other);
  }

  /** Files beside the open ones may have changed. */
  #refresh(): void {
    this.#workspace.forget();
    for (const uri of this.#workspace.openUris) this.#later(uri);
  }

  /** Look at a unit when its texts rest for a moment. */
  #later(uri: string): void {
    const key = this.#workspace.keyOf(uri);
    clearTimeout(this.#pauses.get(key));
    const look = (): void => {
      this.#pauses.delete(key);
      this.#guarded(() => this.#publish(uri));
    };
    this.#pauses.set(key, setTimeout(look, CHANGE_PAUSE_MS));
  }

  #publish(uri: string): void {
    if (this.#workspace.document(uri) === undefined || this.#isTooLong(uri)) return;
    const unit = this.#workspace.unit(uri);
    const byUri = new Map<string, Parameters<typeof diagnosticOf>[1][]>();
    for (const open of this.#workspace.openUris)
      if (this.#workspace.keyOf(open) === unit.key) byUri.set(open, []);
    for (const diagnostic of unit.analysis.diagnostics) {
      const shown = this.#workspace.uriOf(diagnostic.span.source);
      const list = byUri.get(shown);
      if (list === undefined) byUri.set(shown, [diagnostic]);
      else list.push(diagnostic);
    }
    // What was wrong before in files that are right now.
    for (const before of this.#published.get(unit.key) ?? []) if (!byUri.has(before)) byUri.set(before, []);
    for (const [each, diagnostics] of byUri)
      void this.#connection.sendDiagnostics({
        uri: each,
        diagnostics: diagnostics.map((diagnostic) => diagnosticOf(this.#workspace, diagnostic)),
      });
    this.#published.set(
      unit.key,
      new Set([...byUri].flatMap(([each, list]) => (list.length > 0 ? [each] : []))),
    );
  }

  #isTooLong(uri: string): boolean {
    const length = this.#workspace.document(uri)?.getText().length ?? 0;
    if (length <= OPEN_LENGTH_MAX) return false;
    this.#connection.console.warn(`${uri} has more than ${OPEN_LENGTH_MAX} characters and is not looked at`);
    return true;
  }

  /** Where a request points to; null for a text that is not open. */
  #place(uri: string, position: Range["start"] = { line: 0, character: 0 }): Place | null {
    const document = this.#workspace.document(uri);
    if (document === undefined || document.getText().length > OPEN_LENGTH_MAX) return null;
    const unit = this.#workspace.unit(uri);
    const source = this.#workspace.sourceOf(uri, unit);
    return source === null
      ? null
      : { workspace: this.#workspace, unit, source, offset: document.offsetAt(position) };
  }

  // --- changes ---

  #prepareRename(place: Place): Range | null {
    const found = symbolAt(place);
    if (found === null) return null;
    const problem = renameRefusal(found.symbol, place.unit.analysis);
    if (problem !== null) throw new ResponseError(ErrorCodes.InvalidRequest, problem);
    return rangeOf(this.#workspace.documentOf(place.source), found.span);
  }

  #rename(place: Place, newName: string): ReturnType<typeof editOf> | null {
    const found = symbolAt(place);
    if (found === null) return null;
    const renamed = rename(place.unit.analysis, found.symbol, newName);
    if (!renamed.ok) throw new ResponseError(ErrorCodes.InvalidRequest, renamed.problem);
    return editOf(this.#workspace, renamed.edits, newName);
  }

  /** The whole text anew, or nothing where there are errors of syntax, which are shown anyway. */
  #format(uri: string): TextEdit[] {
    const document = this.#workspace.document(uri);
    if (document === undefined || document.getText().length > OPEN_LENGTH_MAX) return [];
    const text = document.getText();
    const formatted = format({ name: uri, text });
    if (!formatted.ok || formatted.text === text) return [];
    return [{ range: rangeOf(document, { start: 0, end: text.length }), newText: formatted.text }];
  }

  /** A fault of ours in what nobody waits for is a line in the client's log. */
  #guarded(work: () => void): void {
    try {
      work();
    } catch (problem) {
      this.#connection.console.error(
        problem instanceof Error ? (problem.stack ?? problem.message) : String(problem),
      );
    }
  }
}
