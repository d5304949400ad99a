/** The protocol `MsgPack:1`: MessagePack-RPC, where each of Kong's calls goes its own way over any connection. */
import { Buffer } from "node:buffer";
import { randomInt } from "node:crypto";
import { Decoder, Encoder } from "@msgpack/msgpack";
import { Conversation, denialTurn, type Turn } from "./conversation.ts";
import { decisionId } from "./decision-id.ts";
import { pluginInfo } from "./dump.ts";
import { MsgpackFrames } from "./msgpack-frames.ts";
import type { Connection, Protocol, ProtocolContext } from "./protocol.ts";

/** Event ids start at random too: a step for an event of the server before a restart must not meet another request. */
const FIRST_EVENT_MAX = 2 ** 47;
/** Kong may be waiting for a client's body; what it has not come back to after this time, it never will. */
const EVENT_MS_MAX = 600_000;
const SWEEP_MS = 60_000;

interface Event {
  readonly conversation: Conversation;
  askedAt: number;
}

/** Kong's request: type 0, its id, the method, its arguments. */
type Call = readonly [type: unknown, id: unknown, method: unknown, args: unknown];

/**
 * INVARIANT: `HandleEvent` and the steps are never answered with an error, except that there is no such instance, which makes
 * Kong start it. On any other Kong would let the request pass (kong/runloop/plugin_servers/rpc/mp_rpc.lua).
 */
export function msgpackProtocol(context: ProtocolContext): Protocol {
  const { instances, logger } = context;
  // Kept: making one takes longer than a message.
  const encoder = new Encoder();
  const decoder = new Decoder(options);
  const events = new Map<number, Event>();
  let nextEvent = randomInt(1, FIRST_EVENT_MAX);
  const sweep = setInterval(() => {
    const before = performance.now() - EVENT_MS_MAX;
    for (const [id, { conversation, askedAt }] of events) {
      if (askedAt > before) break;
      conversation.abandon();
      events.delete(id);
    }
  }, SWEEP_MS).unref();

  const handleEvent = async (args: Record<string, unknown>): Promise<unknown> => {
    const plugin = instances.get(args["InstanceId"]);
    // Kong looks for these words.
    if (plugin === undefined) throw new Error(`no plugin instance ${String(args["InstanceId"])}`);
    const id = nextEvent++;
    if (textOf(args["EventName"]) !== "access") return turnOf(id, denialTurn(decisionId()));
    const conversation = new Conversation({ ...context, handler: (kong) => plugin.access(kong) });
    const turn = await conversation.start();
    if (!conversation.over) events.set(id, { conversation, askedAt: performance.now() });
    return turnOf(id, turn);
  };

  const step = async (args: Record<string, unknown>, isError: boolean): Promise<unknown> => {
    const id = Number(args["EventId"]);
    const event = events.get(id);
    if (event === undefined) return turnOf(id, denialTurn(decisionId()));
    // Taken out and put in again, so that the oldest stand first.
    events.delete(id);
    const { conversation } = event;
    const turn = await (isError
      ? conversation.refuse(textOf(args["Data"]))
      : conversation.reply(args["Data"] ?? undefined));
    if (!conversation.over) events.set(id, { conversation, askedAt: performance.now() });
    return turnOf(id, turn);
  };

  const answer = async (method: string, args: unknown): Promise<unknown> => {
    const named = (args ?? {}) as Record<string, unknown>;
    switch (method) {
      case "plugin.HandleEvent":
        return handleEvent(named);
      case "plugin.StartInstance": {
        const id = instances.start(textOf(named["Config"]));
        return { Name: textOf(named["Name"]), Id: id, StartTime: Date.now() / 1000 };
      }
      case "plugin.CloseInstance":
        if (!instances.close(args)) throw new Error(`no plugin instance ${String(args)}`);
        return { Id: args };
      case "plugin.GetPluginInfo":
        return pluginInfo();
      default:
        if (/^plugin\.Step[A-Za-z]*$/.test(method)) return step(named, method === "plugin.StepError");
        throw new Error(`there is no method ${method}`);
    }
  };

  const onCall = async (call: Call, connection: Connection): Promise<void> => {
    const [, id, name, args] = call;
    const method = textOf(name);
    let reply: unknown[];
    try {
      reply = [1, id, null, await answer(method, Array.isArray(args) ? args[0] : args)];
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      logger.warn({ method }, message);
      reply = [1, id, message, null];
    }
    connection.write(encoder.encode(reply));
  };

  return {
    connected(connection) {
      const frames = new MsgpackFrames();
      return {
        data(chunk) {
          for (const frame of frames.push(chunk)) void onCall(callOf(decoder.decode(frame)), connection);
        },
        closed() {},
      };
    },
    get openEvents() {
      return events.size;
    },
    close() {
      clearInterval(sweep);
    },
  };
}

function turnOf(id: number, turn: Turn): Record<string, unknown> {
  return {
    EventId: id,
    Data: turn.kind === "return" ? "ret" : { Method: turn.method, Args: turn.args },
  };
}

/**
 * Names of members. A client may send a header `__proto__`, and Kong passes it on: the decoder refuses a member of that name, since it
 * would set what an object inherits from. In other case it is the same header, as names of headers have none.
 */
const keyDecoder = {
  // Names of other lengths are left to the decoder, which is faster.
  canBeCached: (length: number) => length === "__proto__".length,
  decode(bytes: Uint8Array, offset: number, length: number): string {
    const name = textOf(bytes.subarray(offset, offset + length));
    return name === "__proto__" ? "__PROTO__" : name;
  },
};

/** Texts stay bytes, since Kong does not ask whether they are UTF-8. */
const options = { rawStrings: true, keyDecoder, mapKeyConverter: (key: unknown) => String(key) } as const;

/** @throws when it is no request: nobody waits for an answer then */
function callOf(value: unknown): Call {
  if (!Array.isArray(value) || value.length < 3 || value[0] !== 0)
    throw new Error("no request of MessagePack-RPC");
  return value as unknown as Call;
}

function textOf(value: unknown): string {
  if (value instanceof Uint8Array)
    return Buffer.from(value.buffer, value.byteOffset, value.length).toString();
  return typeof value === "string" ? value : "";
}
