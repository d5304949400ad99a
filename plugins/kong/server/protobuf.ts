/** The protocol `ProtoBuf:1`: each event on a connection of its own, Kong's functions called in between. */
import { Buffer } from "node:buffer";
import { type KongMethods, loadKong, type RpcCall, type RpcReturn } from "../../../proto/kong/index.ts";
import { NAME, PRIORITY, VERSION } from "./config.ts";
import { Conversation, denialTurn, type Turn } from "./conversation.ts";
import { decisionId } from "./decision-id.ts";
import { pluginSchema } from "./dump.ts";
import { LengthFrames, lengthFrame } from "./length-frames.ts";
import { decodeResult, encodeArguments } from "./protobuf-values.ts";
import type { Connection, Protocol, ProtocolContext } from "./protocol.ts";

/** An event on its connection, and the call that Kong is carrying out. */
interface Event {
  readonly conversation: Conversation;
  readonly sequence: number;
  method: string;
}

/**
 * Frames (kong/runloop/plugin_servers/rpc/pb_rpc.lua): Kong sends an RpcCall. For an event we send pairs of frames, a function's
 * name and its arguments, and get one frame back for each; an empty frame ends that, then comes the RpcReturn. For other
 * calls there is the RpcReturn only, which has no place for an error: what fails closes the connection. Kong answers that with
 * 500 for StartInstance; for an event it starts the instance anew and sends the event again, so that is kept for ids
 * that are not known.
 */
export function protobufProtocol(context: ProtocolContext): Protocol {
  const kong = loadKong();
  let openEvents = 0;
  return {
    connected(connection) {
      const side = new Side(context, kong, connection, (change) => {
        openEvents += change;
      });
      return side;
    },
    get openEvents() {
      return openEvents;
    },
    close() {},
  };
}

class Side {
  readonly #context: ProtocolContext;
  readonly #kong: KongMethods;
  readonly #connection: Connection;
  readonly #counted: (change: number) => void;
  readonly #frames = new LengthFrames();
  #event: Event | null = null;
  /** We owe Kong something; it has nothing to say before it has it. */
  #busy = false;

  constructor(
    context: ProtocolContext,
    kong: KongMethods,
    connection: Connection,
    counted: (change: number) => void,
  ) {
    this.#context = context;
    this.#kong = kong;
    this.#connection = connection;
    this.#counted = counted;
  }

  data(chunk: Uint8Array): void {
    for (const frame of this.#frames.push(chunk)) this.#frame(frame);
  }

  closed(): void {
    this.#event?.conversation.abandon();
    this.#leave();
  }

  #frame(frame: Uint8Array | null): void {
    if (this.#busy) throw new Error("a frame that nobody waits for");
    this.#busy = true;
    if (this.#event !== null) void this.#answered(this.#event, frame);
    else if (frame === null) throw new Error("the call is too long");
    else this.#calledSafely(this.#kong.call.requestDeserialize(Buffer.from(frame)));
  }

  /**
   * A call that fails ends the connection in order: Kong looks for the word `closed` to start an instance anew, and a connection that
   * is reset has another one.
   */
  #calledSafely(call: RpcCall): void {
    try {
      this.#called(call);
    } catch (error) {
      this.#context.logger.error({ err: error }, "a call fails, and its connection is closed");
      this.#connection.close();
    }
  }

  #called(call: RpcCall): void {
    const { cmd_handle_event: event, cmd_start_instance: start, cmd_close_instance: close } = call;
    const sequence = call.sequence ?? 0;
    if (event !== undefined) {
      this.#handle(sequence, event.instance_id ?? 0, event.event_name ?? "");
    } else if (start !== undefined) {
      const id = this.#context.instances.start(Buffer.from(start.config ?? []).toString());
      const instance_status = {
        name: start.name ?? NAME,
        instance_id: id,
        started_at: Math.floor(Date.now() / 1000),
      };
      this.#return({ sequence, instance_status });
    } else if (close !== undefined) {
      this.#context.instances.close(close.instance_id ?? 0);
      this.#return({ sequence });
    } else if (call.cmd_get_plugin_names !== undefined) {
      this.#return({ sequence, plugin_names: { names: [NAME] } });
    } else if (call.cmd_get_plugin_info !== undefined) {
      const schema = JSON.stringify(pluginSchema());
      const plugin_info = { name: NAME, phases: ["access"], version: VERSION, priority: PRIORITY, schema };
      this.#return({ sequence, plugin_info });
    } else {
      throw new Error("a call that is not known");
    }
  }

  #handle(sequence: number, id: number, phase: string): void {
    const plugin = this.#context.instances.get(id);
    if (plugin === undefined) throw new Error(`no plugin instance ${id}`);
    if (phase !== "access") {
      this.#call(denialTurn(decisionId()));
      return;
    }
    const conversation = new Conversation({ ...this.#context, handler: (kong) => plugin.access(kong) });
    const opened: Event = { conversation, sequence, method: "" };
    this.#event = opened;
    this.#counted(1);
    void conversation.start().then((turn) => this.#turn(opened, turn));
  }

  async #answered(event: Event, frame: Uint8Array | null): Promise<void> {
    const turn = await this.#hand(event, frame);
    this.#turn(event, turn);
  }

  #hand({ conversation, method }: Event, frame: Uint8Array | null): Promise<Turn> {
    // What is too long is not known: only bodies are.
    if (frame === null) return conversation.reply(undefined);
    let result: unknown;
    try {
      result = decodeResult(this.#kong, method, frame);
    } catch (error) {
      return conversation.refuse(`the answer of ${method} cannot be read: ${String(error)}`);
    }
    return conversation.reply(result);
  }

  #turn(event: Event, turn: Turn): void {
    if (this.#event !== event) return;
    if (turn.kind === "call") {
      event.method = turn.method;
      this.#call(turn);
      if (event.conversation.over) this.#leave();
      return;
    }
    this.#leave();
    this.#connection.write(lengthFrame(new Uint8Array(0)));
    this.#return({ sequence: event.sequence });
  }

  #call(turn: Turn & { kind: "call" }): void {
    let args: Uint8Array;
    try {
      args = encodeArguments(this.#kong, turn.method, turn.args);
    } catch (error) {
      // A function that is not ours to call. (A denial can be encoded.)
      this.#context.logger.error({ err: error }, "a call cannot be encoded");
      this.#event?.conversation.abandon();
      this.#leave();
      this.#call(denialTurn(decisionId()));
      return;
    }
    this.#busy = false;
    this.#connection.write(Buffer.concat([lengthFrame(Buffer.from(turn.method)), lengthFrame(args)]));
  }

  #return(message: RpcReturn): void {
    this.#busy = false;
    this.#connection.write(lengthFrame(this.#kong.call.responseSerialize(message)));
  }

  #leave(): void {
    if (this.#event === null) return;
    this.#event = null;
    this.#counted(-1);
  }
}
