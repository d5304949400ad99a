/**
 * What Kong asks of a plugin server before it starts: a JSON that Kong checks with its MetaSchema
 * (kong/db/schema/plugin_loader.lua, kong/runloop/plugin_servers/process.lua). It is always the same, so Kong's image needs no
 * Node: `pluginserver_NAME_query_cmd = cat FILE`.
 */
import { BODY_LIMIT_MAX, NAME, PRIORITY, VERSION } from "./config.ts";
import type { ProtocolName } from "./protocol.ts";

/** A field of a record in Kong's schema language. */
export type Field = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** The fields of `config`. Kong wants descriptions of at least ten characters. */
export const CONFIG_FIELDS: readonly Field[] = [
  {
    bundle_path: {
      type: "string",
      len_min: 1,
      description: "Path of the bundle (ipe build), where the plugin server reads it. Either this or bundle.",
    },
  },
  {
    bundle: {
      type: "string",
      len_min: 1,
      description: "The bundle itself, in base64. Either this or bundle_path.",
    },
  },
  {
    mode: {
      type: "string",
      one_of: ["enforce", "permissive"],
      required: true,
      default: "enforce",
      description: "With permissive, decisions are made and logged, and every request goes on.",
    },
  },
  {
    log_decisions: {
      type: "boolean",
      required: true,
      default: true,
      description: "Decisions go to the server's log and, as ipe, to Kong's log plugins.",
    },
  },
  {
    body_limit: {
      type: "integer",
      between: [0, BODY_LIMIT_MAX],
      required: true,
      default: BODY_LIMIT_MAX,
      description: "Longest body in bytes that a policy reads; a longer one is unknown to it.",
    },
  },
];

/** The whole schema. A consumer cannot have a policy of its own: who calls is for the policy to judge. */
export function pluginSchema(): Record<string, unknown> {
  return {
    name: NAME,
    fields: [
      { consumer: { type: "foreign", reference: "consumers", eq: null } },
      {
        protocols: {
          type: "set",
          required: true,
          default: ["grpc", "grpcs", "http", "https"],
          elements: { type: "string", one_of: ["grpc", "grpcs", "http", "https"] },
        },
      },
      {
        config: {
          type: "record",
          required: true,
          fields: CONFIG_FIELDS,
        },
      },
    ],
    entity_checks: [{ only_one_of: ["config.bundle", "config.bundle_path"] }],
  };
}

/** As plugin servers describe a plugin. */
export function pluginInfo(): Record<string, unknown> {
  return { Name: NAME, Version: VERSION, Priority: PRIORITY, Phases: ["access"], Schema: pluginSchema() };
}

/** The dump file. Kong takes `MsgPack:1` where no protocol is named. */
export function dump(protocol: ProtocolName): string {
  return `${JSON.stringify({ Protocol: protocol, Plugins: [pluginInfo()] }, null, 2)}\n`;
}
