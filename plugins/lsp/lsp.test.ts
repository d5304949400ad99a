/** The server as an editor sees it: a process, its stdin and stdout, from `initialize` to `exit`. */
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, test } from "vitest";
import {
  type CodeAction,
  type CompletionItem,
  createProtocolConnection,
  type Diagnostic,
  DiagnosticSeverity,
  DiagnosticTag,
  type DocumentHighlight,
  type DocumentSymbol,
  type FoldingRange,
  type Hover,
  type InitializeResult,
  type Location,
  type Position,
  type ProtocolConnection,
  type PublishDiagnosticsParams,
  type Range,
  type RegistrationParams,
  type SemanticTokens,
  StreamMessageReader,
  StreamMessageWriter,
  type TextEdit,
  type WorkspaceEdit,
} from "vscode-languageserver/node";
import { folderWith, start } from "../cli/ipe.fixture.ts";

const POLICY = `// Who is who.
enum Risk: low < high

type Approver:
  role: string
  team: string?

resource Order: GET "/orders/{id}"

attributes
  // How much may break.
  risk:      Risk                        claimed from body "/risk"
  approvals: list of approver: Approver trusted from body "/approvals"
  team:      string?                     trusted from header "x-team" // as the gateway says

constant LIMIT: int = 2

policy Orders:
  triggers when resource.type == "Order" and risk == "high"
  requires
    approvals.count >= LIMIT
    where approver.role == "senior"
`;

/** A client with a folder of files. */
class Client {
  readonly folder: string;
  readonly connection: ProtocolConnection;
  readonly exit: Promise<number | null>;
  readonly initialized: Promise<InitializeResult>;
  /** What the server asked to be told of. */
  readonly registered: string[] = [];
  readonly #diagnostics = new Map<string, PublishDiagnosticsParams[]>();
  readonly #waiting: (() => void)[] = [];
  #version = 1;

  constructor(files: Readonly<Record<string, string>>, options: { readonly bundle?: string } = {}) {
    this.folder = folderWith({});
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(join(this.folder, name, ".."), { recursive: true });
      writeFileSync(join(this.folder, name), text);
    }
    const child = start(this.folder, ["lsp", "--stdio"]);
    this.exit = once(child, "exit").then(([code]) => code as number | null);
    this.connection = createProtocolConnection(
      new StreamMessageReader(child.stdout!),
      new StreamMessageWriter(child.stdin!),
    );
    this.connection.onNotification("textDocument/publishDiagnostics", (params: PublishDiagnosticsParams) => {
      this.#diagnostics.set(params.uri, [...(this.#diagnostics.get(params.uri) ?? []), params]);
      for (const wake of this.#waiting.splice(0)) wake();
    });
    this.connection.onRequest("client/registerCapability", (params: RegistrationParams) => {
      this.registered.push(...params.registrations.map(({ method }) => method));
    });
    this.connection.listen();
    this.initialized = this.connection.sendRequest("initialize", {
      processId: process.pid,
      rootUri: null,
      workspaceFolders: [{ uri: pathToFileURL(this.folder).href, name: "policies" }],
      capabilities: { workspace: { didChangeWatchedFiles: { dynamicRegistration: true } } },
      initializationOptions: options,
    });
  }

  uri(name: string): string {
    return name.includes(":") ? name : pathToFileURL(join(this.folder, name)).href;
  }

  async open(name: string, text?: string): Promise<void> {
    await this.initialized;
    const content = text ?? readFileSync(join(this.folder, name), "utf8");
    const textDocument = { uri: this.uri(name), languageId: "ipe", version: this.#version++, text: content };
    await this.connection.sendNotification("textDocument/didOpen", { textDocument });
  }

  async change(name: string, contentChanges: readonly { range?: Range; text: string }[]): Promise<void> {
    const textDocument = { uri: this.uri(name), version: this.#version++ };
    await this.connection.sendNotification("textDocument/didChange", { textDocument, contentChanges });
  }

  /** Errors and warnings of a text, with `hints` these too, once they are those that are waited for. */
  async diagnostics(
    name: string,
    until: (list: readonly Diagnostic[]) => boolean,
    { hints = false } = {},
  ): Promise<readonly Diagnostic[]> {
    for (;;) {
      const last = this.#diagnostics.get(this.uri(name))?.at(-1)?.diagnostics;
      const list = last?.filter(({ severity }) => hints || severity !== DiagnosticSeverity.Hint);
      if (list !== undefined && until(list)) return list;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  request<T>(method: string, name: string, more: object = {}): Promise<T> {
    return this.connection.sendRequest(`textDocument/${method}`, {
      textDocument: { uri: this.uri(name) },
      ...more,
    });
  }

  async end(): Promise<number | null> {
    await this.connection.sendRequest("shutdown");
    await this.connection.sendNotification("exit");
    return this.exit;
  }
}

/** The place before the nth occurrence of a text, or some characters on. */
function at(text: string, what: string, { nth = 0, plus = 0 } = {}): Position {
  let offset = -1;
  for (let i = 0; i <= nth; i++) offset = text.indexOf(what, offset + 1);
  if (offset < 0) throw new Error(`no ${what}`);
  const before = text.slice(0, offset + plus).split("\n");
  return { line: before.length - 1, character: before.at(-1)!.length };
}

/** A text with edits. */
function edited(text: string, edits: readonly TextEdit[]): string {
  const starts = [0];
  for (let i = text.indexOf("\n"); i !== -1; i = text.indexOf("\n", i + 1)) starts.push(i + 1);
  const offset = ({ line, character }: Position): number => (starts[line] ?? text.length) + character;
  return [...edits]
    .sort((a, b) => offset(b.range.start) - offset(a.range.start))
    .reduce(
      (so, { range, newText }) => so.slice(0, offset(range.start)) + newText + so.slice(offset(range.end)),
      text,
    );
}

const ids = (list: readonly Diagnostic[]): unknown[] => list.map((d) => d.code);
const labels = (items: readonly CompletionItem[]): string[] => items.map((item) => item.label);

test("initialize, shutdown, exit", async () => {
  const client = new Client({});
  const { serverInfo, capabilities } = await client.initialized;
  expect(serverInfo?.name).toBe("ipe");
  expect(Object.keys(capabilities).filter((name) => name.endsWith("Provider"))).toHaveLength(11);
  expect(await client.end()).toBe(0);
});

describe("diagnostics", () => {
  test("of what is open, after a change too", async () => {
    const client = new Client({ "a.ipe": POLICY });
    await client.open("a.ipe");
    const first = await client.diagnostics("a.ipe", (list) => list.length > 0);
    expect(first.map((d) => [d.code, d.severity])).toEqual([
      ["unused-attribute", 2],
      ["claimed-grant", 2],
    ]);
    const range = { start: at(POLICY, "LIMIT", { nth: 1 }), end: at(POLICY, "LIMIT", { nth: 1, plus: 5 }) };
    await client.change("a.ipe", [{ range, text: "LIMTI" }]);
    const errors = (list: readonly Diagnostic[]): Diagnostic[] => list.filter((d) => d.severity === 1);
    const [error] = errors(await client.diagnostics("a.ipe", (list) => errors(list).length > 0));
    expect(error).toMatchObject({ code: "unknown-attribute", source: "ipe", severity: 1, range });
    expect(error!.message).toContain("help: did you mean `LIMIT`?");
    await client.change("a.ipe", [{ text: POLICY }]);
    await client.diagnostics("a.ipe", (list) => errors(list).length === 0);
    expect(await client.end()).toBe(0);
  });

  test("hints too, and what nothing uses as such", async () => {
    const client = new Client({ "a.ipe": "enum Risk: low, high\n\npolicy A:\n  requires connection.mtls\n" });
    await client.open("a.ipe");
    const list = await client.diagnostics("a.ipe", () => true, { hints: true });
    expect(list.map(({ code, severity, tags }) => [code, severity, tags])).toEqual([
      ["unused-declaration", DiagnosticSeverity.Hint, [DiagnosticTag.Unnecessary]],
      ["missing-owner", DiagnosticSeverity.Hint, undefined],
    ]);
    await client.end();
  });

  test("of a folder's files together, open or not", async () => {
    const client = new Client({
      "p/names.ipe": 'attributes\n  team: string trusted from header "x-team"\n',
      "p/a.ipe": 'policy A:\n  requires team == "a"\n',
      "q/a.ipe": "policy A:\n  requires connection.mtls\n",
    });
    await client.open("p/a.ipe");
    expect(await client.diagnostics("p/a.ipe", () => true)).toEqual([]);
    await client.open("p/names.ipe");
    await client.change("p/names.ipe", [{ text: "// nothing\n" }]);
    expect(ids(await client.diagnostics("p/a.ipe", (list) => list.length > 0))).toEqual([
      "unknown-attribute",
    ]);
    await client.connection.sendNotification("textDocument/didClose", {
      textDocument: { uri: client.uri("p/names.ipe") },
    });
    expect(await client.diagnostics("p/a.ipe", (list) => list.length === 0)).toEqual([]);
    await client.end();
  });

  test("of files that change on disk", async () => {
    const client = new Client({ "a.ipe": 'policy A:\n  requires team == "a"\n' });
    await client.open("a.ipe");
    await client.connection.sendNotification("initialized", {});
    expect(ids(await client.diagnostics("a.ipe", (list) => list.length > 0))).toEqual(["unknown-attribute"]);
    expect(client.registered).toEqual(["workspace/didChangeWatchedFiles"]);
    const text = 'attributes\n  team: string trusted from header "x-team"\n';
    writeFileSync(join(client.folder, "b.ipe"), text);
    const changes = [{ uri: client.uri("b.ipe"), type: 1 }];
    await client.connection.sendNotification("workspace/didChangeWatchedFiles", { changes });
    expect(await client.diagnostics("a.ipe", (list) => list.length === 0)).toEqual([]);
    await client.end();
  });

  test("of a whole workspace folder, where the client says so", async () => {
    const client = new Client(
      { "p/a.ipe": "policy A:\n  requires connection.mtls\n", "q/a.ipe": "policy A:\n  denies\n" },
      { bundle: "workspace" },
    );
    await client.open("q/a.ipe");
    expect(ids(await client.diagnostics("q/a.ipe", (list) => list.length > 0))).toContain("duplicate-name");
    await client.end();
  });

  test("of imported files as they are open", async () => {
    const client = new Client({
      "lib/names.ipe": 'attributes\n  team: string trusted from header "x-team"\n',
      "p/a.ipe": 'import "../lib/names.ipe"\n\npolicy A:\n  requires team == "a"\n',
    });
    await client.open("p/a.ipe");
    expect(await client.diagnostics("p/a.ipe", () => true)).toEqual([]);
    const position = { line: 3, character: 12 };
    const place = await client.request<Location>("definition", "p/a.ipe", { position });
    expect(place).toEqual({
      uri: client.uri("lib/names.ipe"),
      range: { start: { line: 1, character: 2 }, end: { line: 1, character: 6 } },
    });
    await client.end();
  });

  test("of a draft that is no file", async () => {
    const client = new Client({});
    await client.open("untitled:Untitled-1", "policy A:\n  requires nobody\n");
    expect(ids(await client.diagnostics("untitled:Untitled-1", () => true))).toEqual(["unknown-attribute"]);
    await client.end();
  });
});

test("completion", async () => {
  const client = new Client({ "a.ipe": POLICY });
  await client.open("a.ipe");
  const complete = async (text: string): Promise<CompletionItem[]> => {
    const place = text.indexOf("|");
    const before = text.slice(0, place).split("\n");
    await client.change("a.ipe", [{ text: text.replace("|", "") }]);
    const position = { line: before.length - 1, character: before.at(-1)!.length };
    return client.request<CompletionItem[]>("completion", "a.ipe", { position });
  };
  expect(labels(await complete(`${POLICY}\npolicy B:\n  triggers when |`))).toEqual(
    expect.arrayContaining(["risk", "team", "request.path", "LIMIT", "exists", "count"]),
  );
  const members = await complete(`${POLICY}\npolicy B:\n  triggers when risk == "h|"\n`);
  expect(labels(members)).toEqual(['"low"', '"high"']);
  const { textEdit } = members[1]!;
  expect(textEdit).toMatchObject({ newText: '"high"' });
  expect((textEdit as TextEdit).range).toMatchObject({ start: { character: 24 }, end: { character: 27 } });
  expect(labels(await complete(`${POLICY}\npolicy B:\n  triggers when resource.type in ["|`))).toEqual([
    '"Order"',
  ]);
  await client.end();
});

test("hover, definition, references", async () => {
  const client = new Client({ "a.ipe": POLICY });
  await client.open("a.ipe");
  const position = at(POLICY, 'risk == "high"', { plus: 1 });
  const { contents, range } = (await client.request<Hover>("hover", "a.ipe", { position }))!;
  expect((contents as { value: string }).value).toBe(
    [
      '```ipe\nrisk: Risk claimed from body "/risk"\n```',
      "claimed: the client says so, and nobody has checked it",
      "How much may break.",
    ].join("\n\n"),
  );
  expect(range).toEqual({
    start: at(POLICY, 'risk == "high"'),
    end: at(POLICY, 'risk == "high"', { plus: 4 }),
  });
  expect(await client.request("hover", "a.ipe", { position: at(POLICY, "// Who", { plus: 3 }) })).toBeNull();

  const member = at(POLICY, '"high"', { plus: 3 });
  expect(await client.request<Location>("definition", "a.ipe", { position: member })).toEqual({
    uri: client.uri("a.ipe"),
    range: { start: at(POLICY, "high"), end: at(POLICY, "high", { plus: 4 }) },
  });
  const uses = await client.request<Location[]>("references", "a.ipe", {
    position: at(POLICY, "approver.role", { plus: 1 }),
    context: { includeDeclaration: true },
  });
  expect(uses.map((u) => u.range.start)).toEqual([at(POLICY, "approver: A"), at(POLICY, "approver.role")]);
  const highlights = await client.request<DocumentHighlight[]>("documentHighlight", "a.ipe", { position });
  expect(highlights.map((h) => [h.range.start, h.kind])).toEqual([
    [at(POLICY, "risk:"), 3],
    [at(POLICY, 'risk == "high"'), 2],
  ]);
  await client.end();
});

test("rename, and what it refuses", async () => {
  const client = new Client({ "a.ipe": POLICY, "b.ipe": 'policy Other:\n  requires risk == "low"\n' });
  await client.open("a.ipe");
  const position = at(POLICY, "risk:");
  expect(await client.request<Range>("prepareRename", "a.ipe", { position })).toEqual({
    start: position,
    end: at(POLICY, "risk:", { plus: 4 }),
  });
  const { changes } = (await client.request<WorkspaceEdit>("rename", "a.ipe", {
    position,
    newName: "danger",
  }))!;
  expect(Object.keys(changes!).sort()).toEqual([client.uri("a.ipe"), client.uri("b.ipe")]);
  expect(edited('policy Other:\n  requires risk == "low"\n', changes![client.uri("b.ipe")]!)).toBe(
    'policy Other:\n  requires danger == "low"\n',
  );
  expect(edited(POLICY, changes![client.uri("a.ipe")]!)).toBe(
    POLICY.replace("  risk: ", "  danger: ").replace("and risk ==", "and danger =="),
  );
  for (const [newName, problem] of [
    ["team", "a second attribute or constant `team`"],
    ["and", "is a word of the language"],
    ["a b", "letters, digits"],
  ] as const)
    await expect(client.request("rename", "a.ipe", { position, newName })).rejects.toThrow(problem);
  const builtin = { position: at(POLICY, "resource.type") };
  await expect(client.request("prepareRename", "a.ipe", builtin)).rejects.toThrow("is built in");
  await client.end();
});

test("formatting", async () => {
  const client = new Client({ "a.ipe": "policy A:\n    requires   connection.mtls" });
  await client.open("a.ipe");
  const options = { options: { tabSize: 2, insertSpaces: true } };
  const edits = await client.request<TextEdit[]>("formatting", "a.ipe", options);
  expect(edited("policy A:\n    requires   connection.mtls", edits)).toBe(
    "policy A:\n  requires connection.mtls\n",
  );
  await client.change("a.ipe", [{ text: "policy A:\n  requires connection.mtls\n" }]);
  expect(await client.request<TextEdit[]>("formatting", "a.ipe", options)).toEqual([]);
  await client.change("a.ipe", [{ text: "policy A\n" }]);
  expect(await client.request<TextEdit[]>("formatting", "a.ipe", options)).toEqual([]);
  await client.end();
});

test("symbols, folds, semantic tokens", async () => {
  const client = new Client({ "a.ipe": POLICY });
  await client.open("a.ipe");
  const symbols = await client.request<DocumentSymbol[]>("documentSymbol", "a.ipe");
  expect(symbols.map((s) => [s.name, s.children!.map((c) => c.name)])).toEqual([
    ["Risk", ["low", "high"]],
    ["Approver", ["role", "team"]],
    ["Order", []],
    ["attributes", ["risk", "approvals", "team"]],
    ["LIMIT", []],
    ["Orders", []],
  ]);
  const folds = await client.request<FoldingRange[]>("foldingRange", "a.ipe");
  expect(folds.map((f) => [f.startLine, f.endLine])).toEqual([
    [3, 5],
    [9, 13],
    [17, 21],
  ]);
  const { semanticTokensProvider } = (await client.initialized).capabilities;
  const types = (semanticTokensProvider as { legend: { tokenTypes: string[] } }).legend.tokenTypes;
  const { data } = await client.request<SemanticTokens>("semanticTokens/full", "a.ipe");
  const lines = POLICY.split("\n");
  const tokens: string[] = [];
  for (let i = 0, line = 0, character = 0; i < data.length; i += 5) {
    character = data[i] === 0 ? character + data[i + 1]! : data[i + 1]!;
    line += data[i]!;
    tokens.push(`${types[data[i + 3]!]} ${lines[line]!.slice(character, character + data[i + 2]!)}`);
  }
  expect(tokens.slice(0, 6)).toEqual([
    "comment // Who is who.",
    "keyword enum",
    "enum Risk",
    "enumMember low",
    "operator <",
    "enumMember high",
  ]);
  expect(tokens).toEqual(
    expect.arrayContaining(["variable risk", "property role", "parameter approver", "class Order"]),
  );
  await client.end();
});

test("code actions apply the fixes", async () => {
  const text =
    'attributes\n  team: string? trusted from header "x-team"\n\npolicy A:\n  triggers when taem == "a"\n  requires connection.mtls\n';
  const client = new Client({ "a.ipe": text });
  await client.open("a.ipe");
  const actions = async (now: string, what: string): Promise<CodeAction[]> => {
    const place = at(now, what, { plus: 1 });
    return client.request("codeAction", "a.ipe", {
      range: { start: place, end: place },
      context: { diagnostics: [] },
    });
  };
  const apply = (now: string, { edit }: CodeAction): string =>
    edited(now, edit!.changes![client.uri("a.ipe")]!);
  const [respell] = await actions(text, "taem");
  expect(respell).toMatchObject({ title: "write `team`", kind: "quickfix", isPreferred: true });
  const right = apply(text, respell!);
  expect(right).toBe(text.replace("taem", "team"));
  await client.change("a.ipe", [{ text: right }]);
  const [guard] = await actions(right, "team ==");
  const guarded = apply(right, guard!);
  expect(guarded).toContain('triggers when (exists team and team == "a")');
  await client.change("a.ipe", [{ text: guarded }]);
  expect(await client.diagnostics("a.ipe", (list) => list.length === 0)).toEqual([]);
  await client.end();
});

test("nothing that a client sends ends the server", async () => {
  const client = new Client({});
  await client.initialized;
  for (const text of [
    "\u0000\ud800",
    '"',
    "policy",
    "attributes\n  a: b.c\nx",
    "(".repeat(5000),
    "metadata\n x:",
  ])
    for (const method of ["documentSymbol", "foldingRange", "semanticTokens/full", "formatting"]) {
      await client.open("a.ipe", text);
      await client.request(method, "a.ipe", { options: {} });
      await client.request("completion", "a.ipe", { position: { line: 0, character: 3 } });
      await client.request("hover", "a.ipe", { position: { line: 9, character: 99 } });
    }
  // A text that is not open, a URI that is none, a method that nobody knows.
  expect(await client.request("hover", "none.ipe", { position: { line: 0, character: 0 } })).toBeNull();
  await client.open("file:///%00/%ZZ", "policy A:\n");
  await client.change("none.ipe", [{ text: "x" }]);
  await expect(client.request("nothing", "a.ipe")).rejects.toThrow();
  // Larger than is looked at.
  await client.open("b.ipe", `// ${"x".repeat(5 * 1024 * 1024)}`);
  expect(await client.request("documentSymbol", "b.ipe")).toEqual([]);
  expect(await client.end()).toBe(0);
});
