/** The wasm filter itself, in a proxy-wasm host of our own. */
import { isIP } from "node:net";
import { buildFilter } from "../../../assembly/build.ts";
import type { Program } from "../../../core/index.ts";
import {
  failing,
  type HeaderLine,
  type PropertyBag,
  ProxyWasmHost,
  type RequestReport,
  Status,
  toText,
} from "../../proxy-wasm-host/index.ts";
import { bodyBytes, headerLines, isJsonBody } from "../neutral.ts";
import type { Case, CasePeer } from "../vectors.ts";
import { seenResponse, withNote } from "./envoy.ts";
import type { HttpResponse } from "./http-client.ts";
import { bodyProblem } from "./http-form.ts";
import type { CompiledVector, Runtime } from "./runtime.ts";

export const NOTE = "wasm.ipe";
/** Facts that a property gives, which can be made to fail. */
const PROPERTIES = /^(source|destination|connection)\.|^request\.(protocol|time)$/;

export const wasmFilter: Runtime = {
  name: "wasm-filter",
  open: async () => {
    const host = await ProxyWasmHost.load(await buildFilter());
    let configured: { readonly vector: CompiledVector; readonly ok: boolean } | null = null;
    const configure = (vector: CompiledVector): boolean => {
      if (configured?.vector === vector) return configured.ok;
      const config = {
        rootId: "ipe",
        configuration: filterConfiguration(vector),
        allowOnHeadersStopIteration: true,
      };
      const { ok, logs } = host.plugins.length === 0 ? host.configure(config) : host.update(config);
      if (ok === readsExtensions(vector))
        throw new Error(`${vector.name}: ${logs.map((log) => log.message).join("; ")}`);
      configured = { vector, ok };
      return ok;
    };
    return {
      judge: async (vector, given) => {
        const why = notExpressible(given);
        if (why !== null) return { notExpressible: why };
        if (!configure(vector)) return { notExpressible: NO_EXTENSIONS };
        const body = bodyBytes(given);
        const report = host.request({
          headers: requestHeaders(given, vector.program),
          properties: properties(given),
          ...(body === null ? {} : { body }),
          response: UPSTREAM_ANSWER,
        });
        const note = report.filterState.get(NOTE);
        return withNote(
          vector,
          seenResponse(vector, given, responseOf(report)),
          note === undefined ? undefined : toText(note),
        );
      },
      close: async () => {},
    };
  },
};

/** Why a bundle is refused: a wasm filter sees no per-route context. */
export const NO_EXTENSIONS = "per-route context, which the filter refuses to be configured with";

export function readsExtensions({ program }: CompiledVector): boolean {
  return program.slots.some((slot) => slot.read && slot.source === "extension");
}

/** As Istio and Envoy Gateway pass it. */
export function filterConfiguration({ bundle }: CompiledVector): string {
  return JSON.stringify({
    bundle: Buffer.from(bundle).toString("base64"),
    allow_on_headers_stop_iteration: true,
  });
}

function notExpressible(given: Case): string | null {
  if (given.attributes !== undefined) return "attributes given directly";
  if (given.joined === true) return "header lines joined by the host";
  if (given.undelivered?.some((name) => !PROPERTIES.test(name)))
    return "facts that are headers or body, and undelivered";
  return bodyProblem(given);
}

function requestHeaders(given: Case, program: Program): HeaderLine[] {
  const { method, path, host, scheme, size } = given.request;
  const pseudo = { ":authority": host, ":path": path, ":method": method, ":scheme": scheme };
  const lines = Object.entries(pseudo).flatMap(([name, value]): HeaderLine[] =>
    value === undefined ? [] : [[name, value]],
  );
  // A codec removes blanks around a value.
  for (const { name, value } of headerLines(given))
    lines.push([name, typeof value === "string" ? value.replace(/^[ \t]+|[ \t]+$/g, "") : value]);
  if (isJsonBody(given)) lines.push(["content-type", "application/json"]);
  const length = program.slots.some((slot) => slot.read && slot.name === "request.size")
    ? size
    : bodyBytes(given)?.length;
  return length === undefined ? lines : [...lines, ["content-length", String(length)]];
}

/** By Envoy's attribute names. */
function properties(given: Case): PropertyBag {
  const hidden = new Set(given.undelivered);
  const { connection = {} } = given;
  const found = Object.entries(connection).filter(([, value]) => value !== undefined);
  const failed = [...hidden].flatMap((name) =>
    name.startsWith("connection.") ? [[name.slice("connection.".length), FAILED] as const] : [],
  );
  const principal = hidden.has("source.principal") ? FAILED : given.source?.principal;
  const certificate = principal === undefined ? [] : [["uri_san_peer_certificate", principal] as const];
  // Nanoseconds, of which a filter keeps the milliseconds.
  const time = hidden.has("request.time")
    ? FAILED
    : given.request.time === undefined
      ? undefined
      : BigInt(Date.parse(given.request.time)) * 1_000_000n + 999_999n;
  const protocol = hidden.has("request.protocol") ? FAILED : given.request.protocol;
  return {
    connection: Object.fromEntries([...certificate, ...found, ...failed]),
    source: address(given.source, hidden.has("source.ip")),
    destination: address(given.destination, hidden.has("destination.ip")),
    request: { ...(protocol === undefined ? {} : { protocol }), ...(time === undefined ? {} : { time }) },
  };
}

const FAILED = failing(Status.InternalFailure);

function address(peer: CasePeer | undefined, hidden: boolean): PropertyBag {
  if (hidden) return { address: FAILED };
  if (peer?.ip === undefined) return {};
  const ip = isIP(peer.ip) === 6 ? `[${peer.ip}]` : peer.ip;
  return { address: `${ip}:${peer.port ?? 1}` };
}

/** Of which an allow may replace some. */
const UPSTREAM_ANSWER: readonly HeaderLine[] = [
  [":status", "200"],
  ["x-seen", "upstream"],
  ["x-seen", "again"],
];

/** The report as the client or the upstream sees it. */
function responseOf(report: RequestReport): HttpResponse {
  if (report.kind === "continue")
    return {
      status: 200,
      headers: new Map(report.responseHeaders),
      body: JSON.stringify(report.requestHeaders),
    };
  return {
    status: report.status ?? 0,
    headers: new Map(report.headers),
    body: report.bodyText ?? `the request is ${report.kind}`,
  };
}
