/**
 * Kong's client of `ProtoBuf:1`, step by step after kong/runloop/plugin_servers/rpc/pb_rpc.lua (3.9.3). Every failure ends in
 * 500, except that a connection that the server closes makes Kong start the instance and try again.
 */
import {
  type KongMethods,
  type KongStruct,
  type KongValue,
  loadKong,
  type RpcCall,
  type RpcReturn,
} from "../../../proto/kong/index.ts";
import { type Client, type ClientOptions, type Instance, RpcFailure } from "./client.ts";
import { type Connection, Gone, Pool } from "./connections.ts";
import { type Bytes, callKong, KongError, type KongState, LuaError } from "./kong-request.ts";

export class ProtobufClient implements Client {
  readonly #pool: Pool;
  readonly #kong: KongMethods = loadKong();
  #lastId = 0;

  constructor(options: ClientOptions) {
    this.#pool = new Pool(options);
  }

  async startInstance(name: string, config: string): Promise<Instance> {
    const answer = await this.call({ cmd_start_instance: { name, config: Buffer.from(config) } });
    return { id: answer?.instance_status?.instance_id ?? 0 };
  }

  async closeInstance({ id }: Instance): Promise<void> {
    await this.call({ cmd_close_instance: { instance_id: id } });
  }

  async handleEvent({ id }: Instance, phase: string, state: KongState): Promise<void> {
    await this.call({ cmd_handle_event: { instance_id: id, event_name: phase } }, state);
  }

  /**
   * `Rpc:call`; with a state its functions are called. Null where the request was ended: the coroutine never goes on, and its
   * connection goes with the request.
   *
   * @throws RpcFailure
   */
  async call(call: RpcCall, state?: KongState): Promise<RpcReturn | null> {
    const sequence = ++this.#lastId;
    try {
      const connection = await this.#pool.take();
      try {
        await sendFrame(connection, this.#kong.call.requestSerialize({ ...call, sequence }));
        if (state !== undefined && !(await this.#bridge(connection, state))) {
          connection.destroy();
          return null;
        }
        const answer = this.#kong.call.responseDeserialize(await receiveFrame(connection));
        if (answer.sequence !== sequence) throw new LuaError("assertion failed!");
        this.#pool.giveBack(connection);
        return answer;
      } catch (problem) {
        connection.destroy();
        throw problem;
      }
    } catch (problem) {
      if (problem instanceof Gone) throw new RpcFailure(problem.message);
      throw problem;
    }
  }

  close(): void {
    this.#pool.close();
  }

  /** False where the request was ended. */
  async #bridge(connection: Connection, state: KongState): Promise<boolean> {
    for (;;) {
      const method = (await receiveFrame(connection)).toString();
      if (method === "") return true;
      const args = await receiveFrame(connection);
      const reply = this.#callKong(state, method, args);
      if (state.exit !== null) return false;
      await sendFrame(connection, reply);
    }
  }

  #callKong(state: KongState, method: string, args: Buffer): Buffer {
    const called = this.#kong.functions.get(method);
    if (called === undefined) throw new RpcFailure(`method ${method} not found`);
    const result = callKong(state, method, argumentsOf(called.argument, called.requestDeserialize(args)));
    const message = messageOf(called.result, result);
    return message === null ? Buffer.alloc(0) : called.responseSerialize(message);
  }
}

async function sendFrame(connection: Connection, bytes: Buffer): Promise<void> {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(bytes.length);
  await connection.send(length);
  await connection.send(bytes);
}

async function receiveFrame(connection: Connection): Promise<Buffer> {
  const length = (await connection.receive(4)).readUInt32LE();
  return connection.receive(length);
}

type Fields = Readonly<Record<string, unknown>>;

/** `pb_unwrap`. */
function argumentsOf(type: string, message: object): unknown[] {
  const fields = message as Fields;
  switch (type) {
    case "Empty":
      return [];
    case "Text":
      return [asText(fields["v"])];
    case "KeyValue":
      return [fields["k"], fromValue((fields["v"] ?? {}) as KongValue)];
    case "Struct":
      return [fromStruct(message)];
    case "ExitArgs":
      return [fields["status"], asText(fields["body"]), fromStruct((fields["headers"] ?? {}) as KongStruct)];
    default:
      return [fields["v"]];
  }
}

/** Texts that a plugin makes up are UTF-8 here. */
function asText(bytes: unknown): string {
  return Buffer.from((bytes ?? []) as Uint8Array).toString();
}

function fromValue(value: KongValue): unknown {
  if (value.list_value !== undefined) return (value.list_value.values ?? []).map(fromValue);
  if (value.struct_value !== undefined) return fromStruct(value.struct_value);
  if (value.bool_value === true) return true;
  return value.string_value === undefined ? value.number_value : asText(value.string_value);
}

function fromStruct({ fields = {} }: KongStruct): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, fromValue(value)]));
}

/** `pb_wrap`; null is no reply. A nil is a message without its field. */
function messageOf(type: string, result: unknown): object | null {
  const value = result instanceof KongError ? undefined : result;
  switch (type) {
    case "Empty":
      return null;
    case "Text":
      return value === undefined ? {} : { v: Buffer.from(value as Bytes) };
    case "Value":
      return toValue(value);
    case "Struct":
      return toStruct(value as object);
    // Encoded as they are, and nil is no reply; `pb.encode` raises an error for what is no table.
    case "Consumer":
    case "Credential":
    case "Route":
    case "Service":
      if (value === undefined) return null;
      if (typeof value !== "object" || value === null) throw new LuaError("bad argument (table expected)");
      return entityOf(value as Fields);
    case "RawBody":
      if (result instanceof KongError) return { body_filepath: "/tmp/client-body/0000000001" };
      return { content: value };
    default:
      return value === undefined ? {} : { v: value };
  }
}

/** Texts as bytes. A field of another kind is an error in Lua; members without a field are left out. */
function entityOf(table: Fields): object {
  const bytes = (member: unknown): Uint8Array => {
    if (typeof member !== "string" && !(member instanceof Uint8Array))
      throw new LuaError("bad argument (string expected)");
    return Buffer.from(member as string);
  };
  const known = Object.entries(table).filter(([name, member]) => member !== undefined && FIELDS.has(name));
  return Object.fromEntries(
    known.map(([name, member]) => [name, Array.isArray(member) ? member.map(bytes) : bytes(member)]),
  );
}

const FIELDS = new Set(["id", "username", "custom_id", "name", "tags"]);

function toValue(value: unknown): KongValue {
  if (value === undefined) return { null_value: 1 };
  if (typeof value === "number") return { number_value: value };
  if (typeof value === "boolean") return { bool_value: value };
  if (typeof value === "string" || value instanceof Uint8Array) return { string_value: Buffer.from(value) };
  if (Array.isArray(value) && value.length > 0) return { list_value: { values: value.map(toValue) } };
  return { struct_value: toStruct(value as object) };
}

function toStruct(object: object): KongStruct {
  return { fields: Object.fromEntries(Object.entries(object).map(([key, value]) => [key, toValue(value)])) };
}
