/**
 * What each target can supply. A policy that reads a fact which its target never gives would deny every request, or
 * stand open to none: it is refused before it gets there. docs/targets.md is generated from this table.
 */

import type { Attribute } from "../schema/schema.ts";
import type { Diagnostics } from "../source/diagnostics.ts";
import { didYouMean } from "../source/suggest.ts";
import { namesOf } from "../syntax/walk.ts";
import type { CheckedDocument } from "./check.ts";
import { readsOf } from "./policies.ts";
import { ABILITIES, checkActionsAt } from "./target-obligations.ts";

export const TARGETS = [
  "ext-authz",
  "istio-ext-authz",
  "envoy-wasm",
  "istio-wasm",
  "kong",
  "forward-auth",
  "envoy-network",
] as const;
export type Target = (typeof TARGETS)[number];

/** A fact, or several with one answer, and why a target cannot supply it; a target that is not named can. */
export interface Capability {
  /** Built-in names, or `header`, `query`, `cookie`, `capture`, `body`, `extension`. */
  readonly facts: readonly string[];
  readonly missing: Readonly<Partial<Record<Target, string>>>;
  /** What must be configured for the others. */
  readonly needs: string | null;
}

/** A key of `extension` that a gateway or our server fills by itself; `prefix`: any key that begins so and goes on. */
export interface ExtensionKey {
  readonly key: string;
  readonly prefix?: true;
  readonly is: string;
}

const IDENTITY_KEYS: readonly ExtensionKey[] = [
  {
    key: "jwt.",
    prefix: true,
    is: "the claim of this name in the token that `ipe serve --identity` verified",
  },
  {
    key: "api_key.",
    prefix: true,
    is: "`id`, or the claim of this name, of the key that `ipe serve --identity` knows",
  },
];

/**
 * Of targets that give `extension` no other keys than these. Elsewhere the keys are the operator's
 * (docs/adr/0014-what-kong-has-verified.md, docs/adr/0016-who-verifies-tokens.md).
 */
export const EXTENSION_KEYS: Readonly<Partial<Record<Target, readonly ExtensionKey[]>>> = {
  "istio-ext-authz": IDENTITY_KEYS,
  "forward-auth": IDENTITY_KEYS,
  kong: [
    { key: "consumer.id", is: "the consumer's id" },
    { key: "consumer.username", is: "its name" },
    { key: "consumer.custom_id", is: "its id in another system" },
    {
      key: "consumer.groups",
      is: "its groups of the plugin `acl`; without a consumer the groups that a plugin such as `ldap-auth` found",
    },
    { key: "credential.id", is: "the id of the credential that was proved; nothing else of it" },
    { key: "route.id", is: "the route's id" },
    { key: "route.name", is: "its name" },
    { key: "route.tags", is: "its tags" },
    { key: "service.id", is: "the service's id" },
    { key: "service.name", is: "its name" },
    { key: "service.tags", is: "its tags" },
    { key: "jwt.", prefix: true, is: "the claim of this name in the token that the plugin `jwt` verified" },
  ],
};

const CHECK_REQUEST = "a CheckRequest has no field for it";
const AUTH_REQUEST = "an authorization subrequest does not carry it";
const NO_HTTP = "a connection has nothing of HTTP";
const KONG = "Kong gives plugins no access to it";

export const CAPABILITIES: readonly Capability[] = [
  {
    facts: [
      "request.method",
      "request.path",
      "request.query",
      "request.host",
      "request.scheme",
      "request.id",
      "resource.type",
    ],
    missing: { "envoy-network": NO_HTTP },
    needs: null,
  },
  {
    facts: ["header", "query", "cookie", "capture"],
    missing: { "envoy-network": NO_HTTP },
    needs: "ext_authz: `encode_raw_headers: true`, so that repeated field lines stay apart",
  },
  { facts: ["request.time"], missing: {}, needs: null },
  {
    facts: ["request.protocol"],
    missing: { "forward-auth": AUTH_REQUEST, "envoy-network": NO_HTTP },
    needs: null,
  },
  {
    facts: ["request.size"],
    missing: { "forward-auth": AUTH_REQUEST, "envoy-network": NO_HTTP },
    needs: "ext_authz: `with_request_body`, for requests without `content-length`",
  },
  {
    facts: ["body"],
    missing: {
      "istio-wasm":
        "Istio's WasmPlugin cannot set `allow_on_headers_stop_iteration`, without which a filter that waits for a body hangs the request",
      "forward-auth": AUTH_REQUEST,
      "envoy-network": NO_HTTP,
    },
    needs:
      "ext_authz: `with_request_body`; Envoy's wasm filter: `allow_on_headers_stop_iteration`, and `--allow-body` for `ipe filter-config`; Kong's plugin server: `nginx_http_client_body_buffer_size` of `256k`",
  },
  {
    facts: ["extension"],
    missing: {
      "envoy-wasm": "a wasm filter sees no context extensions",
      "istio-wasm": "a wasm filter sees no context extensions",
      "envoy-network": "the network filter sends no context extensions",
    },
    needs:
      "ext_authz: `context_extensions` of the route, and `ipe serve --identity` for `jwt.NAME` and `api_key.NAME`; elsewhere only the keys below",
  },
  {
    facts: ["source.ip"],
    missing: {},
    needs: "Kong: `trusted_ips` and `real_ip_header`, where another proxy stands in front",
  },
  { facts: ["source.port"], missing: { "forward-auth": AUTH_REQUEST }, needs: null },
  {
    facts: ["source.principal"],
    missing: { kong: KONG },
    needs: "mutual TLS; forward-auth: `client_certificate` in the file of `ipe serve --identity`",
  },
  { facts: ["destination.ip", "destination.port"], missing: { "forward-auth": AUTH_REQUEST }, needs: null },
  { facts: ["destination.principal"], missing: { kong: KONG, "forward-auth": AUTH_REQUEST }, needs: "TLS" },
  {
    facts: ["connection.requested_server_name"],
    missing: { "istio-ext-authz": "Istio does not set `include_tls_session`", "forward-auth": AUTH_REQUEST },
    needs:
      "ext_authz: `include_tls_session`; Envoy's wasm filter, and network filters where TLS passes through: listener filter `tls_inspector`",
  },
  {
    facts: ["connection.mtls", "connection.tls_version"],
    missing: {
      "ext-authz": CHECK_REQUEST,
      "istio-ext-authz": CHECK_REQUEST,
      "forward-auth": AUTH_REQUEST,
      "envoy-network": CHECK_REQUEST,
    },
    needs: "Kong, for mutual TLS: `ssl_verify_client` by `nginx_proxy_ssl_verify_client`",
  },
  {
    facts: [
      "connection.subject_peer_certificate",
      "connection.uri_san_peer_certificate",
      "connection.dns_san_peer_certificate",
      "connection.sha256_peer_certificate_digest",
    ],
    missing: {
      "ext-authz": CHECK_REQUEST,
      "istio-ext-authz": CHECK_REQUEST,
      kong: KONG,
      "forward-auth": AUTH_REQUEST,
      "envoy-network": CHECK_REQUEST,
    },
    needs: "mutual TLS",
  },
];

/** Report every attribute that a policy reads and the target cannot supply, once each. */
export function checkTarget(checked: CheckedDocument, target: Target, report: Diagnostics): void {
  const seen = new Set<Attribute>();
  const { sets } = checked.schema;
  const missing = sets === null ? null : missingAt(target, sets.selector);
  if (missing !== null)
    report.error(
      "unsupported-by-target",
      sets!.selector.span ?? checked.policies[0]!.name.span,
      `${target} cannot supply \`${sets!.selector.name}\`, which chooses the policy set: ${missing}`,
      adviceFor(sets!.selector),
    );
  for (const policy of checked.policies) {
    checkActionsAt(target, policy, report);
    for (const condition of readsOf(policy)) {
      for (const name of namesOf(condition)) {
        const resolved = checked.resolutions.names.get(name);
        if (resolved?.kind !== "attribute" || seen.has(resolved.attribute)) continue;
        seen.add(resolved.attribute);
        const reason = missingAt(target, resolved.attribute);
        if (reason === null) continue;
        report.error(
          "unsupported-by-target",
          name.span,
          `${target} cannot supply \`${resolved.attribute.name}\`: ${reason}`,
          adviceFor(resolved.attribute),
        );
      }
    }
  }
}

/** Why a target cannot supply an attribute, or null. */
export function missingAt(
  target: Target,
  { name, source, argument }: Pick<Attribute, "name" | "source" | "argument">,
): string | null {
  const fact = source === "builtin" ? name : source;
  const missing = CAPABILITIES.find((capability) => capability.facts.includes(fact))?.missing[target];
  return missing ?? (source === "extension" ? missingKey(target, argument) : null);
}

function missingKey(target: Target, key: string): string | null {
  const keys = EXTENSION_KEYS[target];
  if (keys === undefined || keys.some((known) => isKey(known, key))) return null;
  const exact = keys.filter(({ prefix }) => prefix !== true).map((known) => known.key);
  const all = `its keys are ${keys.map(shown).join(", ")}`;
  return `${target} gives no extension \`${key}\`; ${didYouMean(key, exact, all)}`;
}

function isKey(known: ExtensionKey, key: string): boolean {
  return known.prefix === true
    ? key.startsWith(known.key) && key.length > known.key.length
    : key === known.key;
}

function shown({ key, prefix }: ExtensionKey): string {
  return prefix === true ? `\`${key}NAME\`` : `\`${key}\``;
}

function adviceFor(attribute: Attribute): string {
  const able = TARGETS.filter((target) => missingAt(target, attribute) === null);
  return able.length === 0 ? "no target supplies it" : `targets that do: ${able.join(", ")}`;
}

/** The table as Markdown. */
export function targetsPage(): string {
  const rows = CAPABILITIES.flatMap(({ facts, missing, needs }) => {
    const cells = TARGETS.map((target) =>
      missing[target] !== undefined
        ? "no"
        : facts.includes("extension") && EXTENSION_KEYS[target] !== undefined
          ? "some"
          : "yes",
    );
    return `| ${facts.map((fact) => `\`${fact}\``).join(", ")} | ${cells.join(" | ")} | ${needs ?? ""} |`;
  });
  const reasons = CAPABILITIES.flatMap(({ facts, missing }) =>
    Object.entries(missing).map(
      ([target, reason]) => `- ${target}, ${facts.map((fact) => `\`${fact}\``).join(", ")}: ${reason}`,
    ),
  );
  const keys = Object.entries(EXTENSION_KEYS).map(
    ([target, known]) => `Keys of \`extension\` on ${target}, and no others (key, and what it is):

| key | is |
| --- | --- |
${known.map((each) => `| ${shown(each)} | ${each.is} |`).join("\n")}
`,
  );
  return `<!-- Generated from core/check/targets.ts by \`npm run gen\`. Do not edit. -->

# What each target can supply

\`ipe check --target TARGET\` refuses policies that read what the target never gives. The other way round holds too: a fact
that a host cannot know reaches a policy as an *invalid* slot, never as an absent one, so that a default or \`not exists\` never takes its place.

| fact | ${TARGETS.join(" | ")} | needs |
| --- | ${TARGETS.map(() => "---").join(" | ")} | --- |
${rows.join("\n")}

${keys.join("\n")}
Where the answer is no:

${reasons.join("\n")}

## What each can carry out

The same for what policies do on an allow:

| on allow | ${TARGETS.join(" | ")} | remark |
| --- | ${TARGETS.map(() => "---").join(" | ")} | --- |
${ABILITIES.map(({ does, missing, remark }) => `| ${[does, ...TARGETS.map((target) => (missing[target] === undefined ? "yes" : "no")), remark ?? ""].join(" | ")} |`).join("\n")}

Where the answer is no:

${ABILITIES.flatMap(({ does, missing }) => Object.entries(missing).map(([target, reason]) => `- ${target}, ${does}: ${reason}`)).join("\n")}
`;
}

/** What a target lacks, as a table of Lua: for the plugin that has to refuse bundles by the same list. */
export function luaTargetTable(target: Target): string {
  const missing = CAPABILITIES.flatMap((capability) => {
    const reason = capability.missing[target];
    return reason === undefined ? [] : capability.facts.map((fact) => [fact, reason] as const);
  });
  const keys = EXTENSION_KEYS[target] ?? [];
  const list = (prefix: boolean): string[] =>
    keys
      .filter((known) => (known.prefix === true) === prefix)
      .map(({ key }) => `    ${JSON.stringify(key)},`);
  return `-- Generated from core/check/targets.ts by \`npm run gen\`. Do not edit.
return {
  -- Built-in attributes by name, and whole sources: why ${target} cannot supply them.
  missing = {
${missing.map(([fact, reason]) => `    [${JSON.stringify(fact)}] = ${JSON.stringify(reason)},`).join("\n")}
  },
  -- Keys of the source \`extension\` that it gives.
  extension_keys = {
${list(false).join("\n")}
  },
  -- And all keys that begin so and go on.
  extension_prefixes = {
${list(true).join("\n")}
  },
}
`;
}
