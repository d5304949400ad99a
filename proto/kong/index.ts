/** The messages of Kong's protocol `ProtoBuf:1` (plugin_server.proto beside this). */
import { loadSync, type MethodDefinition, type Options } from "@grpc/proto-loader";
import { protoFolder } from "../index.ts";

export const kongProtoFile = "kong/plugin_server.proto";

/** At most one of the calls. */
export interface RpcCall {
  readonly sequence?: number;
  readonly cmd_get_plugin_names?: object;
  readonly cmd_get_plugin_info?: { readonly name?: string };
  readonly cmd_start_instance?: { readonly name?: string; readonly config?: Uint8Array };
  readonly cmd_get_instance_status?: { readonly instance_id?: number };
  readonly cmd_close_instance?: { readonly instance_id?: number };
  readonly cmd_handle_event?: { readonly instance_id?: number; readonly event_name?: string };
}

export interface RpcReturn {
  readonly sequence?: number;
  readonly plugin_names?: { readonly names?: readonly string[] };
  readonly plugin_info?: {
    readonly name?: string;
    readonly phases?: readonly string[];
    readonly version?: string;
    readonly priority?: number;
    readonly schema?: string;
  };
  readonly instance_status?: {
    readonly name?: string;
    readonly instance_id?: number;
    readonly started_at?: number;
  };
}

/** At most one member; none stands for nothing. */
export interface KongValue {
  readonly null_value?: number;
  readonly number_value?: number;
  readonly string_value?: Uint8Array;
  readonly bool_value?: boolean;
  readonly struct_value?: KongStruct;
  readonly list_value?: { readonly values?: readonly KongValue[] };
}

export interface KongStruct {
  readonly fields?: Readonly<Record<string, KongValue>>;
}

export interface RawBody {
  readonly content?: Uint8Array;
  readonly body_filepath?: string;
  readonly error?: string;
}

/** One of Kong's functions: how its argument and its result look on the wire. */
export type KongFunction = Pick<
  MethodDefinition<object, object>,
  "requestSerialize" | "requestDeserialize" | "responseSerialize" | "responseDeserialize"
> & {
  /** Names of the messages, such as `Text`. */
  readonly argument: string;
  readonly result: string;
};

export interface KongMethods {
  readonly call: MethodDefinition<RpcCall, RpcReturn>;
  /** By name in Lua, such as `kong.request.get_method`. */
  readonly functions: ReadonlyMap<string, KongFunction>;
}

const options: Options = {
  keepCase: true,
  longs: Number,
  defaults: false,
  arrays: false,
  objects: false,
  oneofs: false,
  includeDirs: [protoFolder],
};

/** The codecs, read from the .proto file. Takes some milliseconds: call it once, at start. */
export function loadKong(): KongMethods {
  const definitions = loadSync(kongProtoFile, options);
  const server = definitions["ipe.kong.PluginServer"] as Record<string, MethodDefinition<RpcCall, RpcReturn>>;
  const kong = definitions["ipe.kong.Kong"] as Record<string, MethodDefinition<object, object>>;
  const functions = Object.entries(kong).map(([name, method]): [string, KongFunction] => [
    luaName(name),
    Object.assign(method, { argument: typeName(method.requestType), result: typeName(method.responseType) }),
  ]);
  return { call: server["Call"]!, functions: new Map(functions) };
}

function typeName(message: { readonly type: object }): string {
  return (message.type as { readonly name: string }).name;
}

/** As Kong does (pb_rpc.lua, `load_service`); it names the two functions of `ctx.shared` by an option in its .proto file. */
function luaName(name: string): string {
  if (name === "Ctx_GetShared") return "kong.ctx.shared.get";
  if (name === "Ctx_SetShared") return "kong.ctx.shared.set";
  return `kong.${name.replaceAll("_", ".").replaceAll(/([a-z])([A-Z])/g, "$1_$2")}`.toLowerCase();
}
