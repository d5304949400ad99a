/** What operators may do to the bundle in force, for those who show a token: push, list, roll back, look. */
import type { IncomingMessage } from "node:http";
import { authorizationOf, createIdentification, type NamedToken } from "./bearer.ts";
import { readBody } from "./body.ts";
import { at, type Door, type HttpAnswer, json, plain } from "./listener.ts";

export const BUNDLES = "/admin/bundles";
export const ROLLBACK = "/admin/rollback";
export const STATUS = "/admin/status";

/** A bundle that was sent, or the text of one policy file. */
export interface Pushed {
  readonly kind: "bundle" | "text";
  readonly bytes: Uint8Array;
  /** As the sender names it; what it is shown as. */
  readonly name: string;
  /** A signed statement about it, not looked at; null without one. */
  readonly statement: string | null;
  /** Name of the token. */
  readonly who: string;
}

export interface RollbackWanted {
  /** Null: the one before the bundle in force. */
  readonly digest: string | null;
  readonly statement: string | null;
  readonly who: string;
}

/** What came of a wish: `refused` speaks of the bundle, `failed` of this server, `absent` and `impossible` of the wish. */
export interface ControlAnswer {
  readonly outcome: "accepted" | "unchanged" | "refused" | "failed" | "absent" | "impossible";
  readonly body: object;
}

/** Whoever puts bundles in force. Nothing here rejects. */
export interface BundleControl {
  push(pushed: Pushed): Promise<ControlAnswer>;
  rollback(wanted: RollbackWanted): Promise<ControlAnswer>;
  bundles(): object;
  status(): object;
}

export interface BundleDoorsOptions {
  /** Null: nobody may. */
  readonly tokens: readonly NamedToken[] | null;
  readonly control: BundleControl;
}

const STATUS_OF: Readonly<Record<ControlAnswer["outcome"], number>> = {
  ...{ accepted: 200, unchanged: 200, refused: 422, failed: 500, absent: 404, impossible: 409 },
};

/** Larger ones come by the path of `--bundle`: what is sent is held in memory. */
export const BUNDLE_BYTES_MAX = 64 * 1024 * 1024;
/** Text is compiled while no decision is made, some milliseconds for a thousand lines. */
export const TEXT_BYTES_MAX = 4 * 1024 * 1024;
const WISH_BYTES_MAX = 64 * 1024;
const NAME_CHARACTERS_MAX = 200;

const OFF =
  "this is off: start the server with --admin-token FILE, which has the bearer tokens of those who may, one a line";
const NOBODY = "a bearer token is missing, or none that is known";
const TYPES =
  "send a bundle as application/octet-stream, or the text of one .ipe file as text/plain (content-type)";

export function bundleDoors({ tokens, control }: BundleDoorsOptions): Door[] {
  const identify = tokens === null ? null : createIdentification(tokens);
  /** Who is there comes first: to others nothing is told and nothing is read. */
  const known =
    (answer: (request: IncomingMessage, who: string) => HttpAnswer | Promise<HttpAnswer>) =>
    (request: IncomingMessage): HttpAnswer | Promise<HttpAnswer> => {
      if (identify === null) return plain(403, OFF);
      const header = authorizationOf(request);
      const who = header === null ? null : identify(header);
      return who === null ? plain(401, NOBODY, { "www-authenticate": "Bearer" }) : answer(request, who);
    };
  return [
    at(BUNDLES, {
      GET: known(() => json(control.bundles())),
      POST: known((request, who) => push(request, who, control)),
    }),
    at(ROLLBACK, { POST: known((request, who) => rollback(request, who, control)) }),
    at(STATUS, { GET: known(() => json(control.status())) }),
  ];
}

async function push(request: IncomingMessage, who: string, control: BundleControl): Promise<HttpAnswer> {
  const kind = kindOf(request.headers["content-type"] ?? "");
  if (kind === null) return plain(415, TYPES);
  const name = new URLSearchParams(request.url!.split("?", 2)[1] ?? "").get("name") ?? "pushed.ipe";
  if (!/^[\x21-\x7e]+$/.test(name) || name.length > NAME_CHARACTERS_MAX)
    return plain(400, `a name has at most ${NAME_CHARACTERS_MAX} characters of ASCII, and no blanks`);
  const [statement, second] = request.headersDistinct["ipe-statement"] ?? [];
  if (second !== undefined) return plain(400, "there is more than one header ipe-statement");
  const bytesMax = kind === "bundle" ? BUNDLE_BYTES_MAX : TEXT_BYTES_MAX;
  const bytes = await readBody(request, bytesMax);
  if (bytes === null) return tooLong(bytesMax);
  return answerOf(await control.push({ kind, bytes, name, statement: statement ?? null, who }));
}

function kindOf(contentType: string): Pushed["kind"] | null {
  const type = contentType.split(";", 1)[0]!.trim().toLowerCase();
  if (type === "application/octet-stream") return "bundle";
  return type === "text/plain" ? "text" : null;
}

async function rollback(request: IncomingMessage, who: string, control: BundleControl): Promise<HttpAnswer> {
  const bytes = await readBody(request, WISH_BYTES_MAX);
  if (bytes === null) return tooLong(WISH_BYTES_MAX);
  const wish = wishOf(bytes);
  if (wish === null)
    return plain(400, 'send nothing, or {"digest": "sha256:..."}, with "statement" where bundles are signed');
  return answerOf(await control.rollback({ ...wish, who }));
}

/** Null where it is no wish. Members that are not known may mean something that would be missed. */
function wishOf(bytes: Buffer): Omit<RollbackWanted, "who"> | null {
  if (bytes.length === 0) return { digest: null, statement: null };
  try {
    const value: unknown = JSON.parse(bytes.toString());
    if (typeof value !== "object" || value === null || Array.isArray(value)) return null;
    const { digest = null, statement = null, ...rest } = value as Record<string, unknown>;
    if (
      Object.keys(rest).length > 0 ||
      [digest, statement].some((text) => text !== null && typeof text !== "string")
    )
      return null;
    return { digest, statement } as Omit<RollbackWanted, "who">;
  } catch {
    return null;
  }
}

/** The rest is not read, so the connection is of no further use. */
function tooLong(bytesMax: number): HttpAnswer {
  return plain(413, `the body is longer than ${bytesMax} bytes`, { connection: "close" });
}

function answerOf({ outcome, body }: ControlAnswer): HttpAnswer {
  return json(body, STATUS_OF[outcome]);
}
