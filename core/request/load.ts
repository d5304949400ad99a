/**
 * One request to the slots of one program (docs/request.md). Everything that depends on the program alone is
 * prepared once; loading allocates no more than the bytes of a request need. Nothing here throws.
 */
import type { Program, Shape, Slot } from "../bytecode/program.ts";
import { Attributes } from "./attributes.ts";
import { Body } from "./body.ts";
import { Builtins } from "./builtins.ts";
import { Cookies } from "./cookies.ts";
import { applyDefault } from "./defaults.ts";
import { Headers, loadHeader, splitList } from "./headers.ts";
import { readHost } from "./host.ts";
import { JsonValues } from "./json-values.ts";
import { type NeutralRequest, undelivered } from "./neutral.ts";
import { Query } from "./query.ts";
import { Resources } from "./resources.ts";
import { INVALID, PRESENT, type Slots } from "./slots.ts";
import {
  emptyRange,
  emptyTarget,
  type PathRules,
  pathRules,
  type Range,
  readMethod,
  readTarget,
} from "./target.ts";
import { stage } from "./text.ts";
import { beginList, invalidate, type Names, programNames, readText } from "./values.ts";

const COMMA = 0x2c;
const NO_RESOURCE = -1;
const REQUEST_ID_HEADER = "x-request-id";

/** Loads requests for one program. */
export interface SlotLoader {
  /**
   * Fills the cells of the slots that the program reads; all others stay absent. What was in `slots` is overwritten.
   * Never throws.
   */
  load(request: NeutralRequest, slots: Slots): void;
  /** Of the last request, whether the program reads it or not: missing or invalid method. */
  readonly methodInvalid: boolean;
  /** Likewise of the path. */
  readonly pathInvalid: boolean;
  /** Likewise of the host; a host that is missing is not invalid. */
  readonly hostInvalid: boolean;
}

export function createSlotLoader(program: Program): SlotLoader {
  return new Loader(program);
}

class Loader implements SlotLoader {
  readonly #program: Program;
  readonly #names: Names;
  readonly #method: Slot | undefined;
  readonly #path: Slot | undefined;
  readonly #queryText: Slot | undefined;
  readonly #host: Slot | undefined;
  readonly #resource: Slot | undefined;
  readonly #builtins: Builtins;
  readonly #headers: Headers;
  readonly #headerSlots: readonly { readonly slot: Slot; readonly name: number }[];
  readonly #cookies: Cookies | null;
  readonly #query: Query | null;
  readonly #resources: Resources | null;
  readonly #body: Body | null;
  readonly #extensions: readonly Slot[];
  readonly #attributes: Attributes;
  readonly #defaults: readonly Slot[];
  readonly #methodRange = emptyRange();
  readonly #hostRange = emptyRange();
  readonly #target = emptyTarget();
  readonly #pathRules: PathRules;
  methodInvalid = true;
  pathInvalid = true;
  hostInvalid = true;

  constructor(program: Program) {
    const read = program.slots.filter((slot) => slot.read);
    const from = (source: Slot["source"]): Slot[] => read.filter((slot) => slot.source === source);
    const builtin = (name: string): Slot | undefined => from("builtin").find((slot) => slot.name === name);
    const declared = read.filter((slot) => slot.source !== "builtin");
    const headerSlots = [...from("header"), ...requestId(builtin("request.id"))];
    const values = new JsonValues(
      programNames(program),
      declared.map((slot): Shape => slot.shape),
    );
    this.#program = program;
    this.#pathRules = pathRules(program.pathMode);
    this.#names = programNames(program);
    this.#method = builtin("request.method");
    this.#path = builtin("request.path");
    this.#queryText = builtin("request.query");
    this.#host = builtin("request.host");
    this.#resource = builtin("resource.type");
    this.#builtins = new Builtins(from("builtin"));
    this.#headers = new Headers(headerNames(headerSlots, from("cookie").length > 0, from("body").length > 0));
    this.#headerSlots = headerSlots.map((slot) => ({ slot, name: this.#headers.index(slot.argument) }));
    this.#cookies = from("cookie").length > 0 ? new Cookies(from("cookie")) : null;
    this.#query = from("query").length > 0 ? new Query(from("query")) : null;
    this.#resources =
      this.#resource !== undefined || from("capture").length > 0
        ? new Resources(program, from("capture"))
        : null;
    this.#body = from("body").length > 0 ? new Body(from("body"), values, this.#headers) : null;
    this.#extensions = from("extension");
    this.#attributes = new Attributes(declared, values);
    this.#defaults = declared.filter((slot) => slot.hasDefault);
  }

  load(request: NeutralRequest, slots: Slots): void {
    slots.reset(this.#program.cellCount);
    this.#loadMethod(request, slots);
    this.#loadTarget(request, slots);
    this.#loadHost(request, slots);
    this.#builtins.load(this.#names, slots, request);
    this.#headers.load(request, slots);
    for (const { slot, name } of this.#headerSlots) loadHeader(this.#names, slots, this.#headers, slot, name);
    this.#cookies?.load(this.#names, slots, this.#headers, this.#headers.index("cookie"));
    this.#body?.load(slots, request.body, this.#headers);
    for (const slot of this.#extensions) this.#loadExtension(request, slots, slot);
    if (request.attributes !== undefined) this.#attributes.load(slots, request.attributes);
    for (const slot of this.#defaults) applyDefault(this.#program, slots, slot);
  }

  #loadMethod(request: NeutralRequest, slots: Slots): void {
    readMethod(slots, request.method, this.#methodRange);
    this.methodInvalid = !this.#methodRange.valid;
    this.#loadRange(slots, this.#method, this.#methodRange);
  }

  /** Path, query, query parameters, resource and captures. */
  #loadTarget(request: NeutralRequest, slots: Slots): void {
    const target = this.#target;
    readTarget(slots, request.target, target, this.#pathRules);
    this.pathInvalid = !target.path.valid;
    this.#loadRange(slots, this.#path, target.path);
    this.#loadRange(slots, this.#queryText, target.query);
    if (!target.query.valid) this.#query?.refuse(slots);
    else if (target.hasQuery) this.#query?.load(this.#names, slots, target.query.start, target.query.end);
    this.#loadResource(slots);
  }

  #loadResource(slots: Slots): void {
    if (this.#resources === null) return;
    const cell = this.#resource?.cell ?? NO_RESOURCE;
    if (this.methodInvalid || this.pathInvalid) {
      this.#resources.refuse(slots);
      if (cell >= 0) slots.state[cell] = INVALID;
      return;
    }
    const member = this.#resources.load(this.#names, slots, this.#methodRange, this.#target.decoded);
    if (cell < 0) return;
    slots.state[cell] = PRESENT;
    slots.number[cell] = member;
  }

  #loadHost(request: NeutralRequest, slots: Slots): void {
    this.hostInvalid = false;
    if (request.host === undefined) return;
    readHost(slots, request.host, this.#hostRange);
    this.hostInvalid = !this.#hostRange.valid;
    this.#loadRange(slots, this.#host, this.#hostRange);
  }

  #loadRange(slots: Slots, slot: Slot | undefined, range: Range): void {
    if (slot === undefined) return;
    if (range.valid) readText(this.#names, slots, slot.shape, slot.cell, range.start, range.end);
    else slots.state[slot.cell] = INVALID;
  }

  #loadExtension(request: NeutralRequest, slots: Slots, slot: Slot): void {
    const { extensions } = request;
    const text = extensions === undelivered ? undelivered : extensions.get(slot.argument);
    if (text === undefined) return;
    if (text === undelivered) {
      invalidate(slots, slot.shape, slot.cell);
      return;
    }
    const start = stage(slots, text);
    const end = slots.used;
    if (slot.shape.element === null) {
      readText(this.#names, slots, slot.shape, slot.cell, start, end);
      return;
    }
    beginList(slots, slot.shape.element, slot.cell);
    splitList(this.#names, slots, slot, COMMA, start, end);
  }
}

/** `request.id` is read as if it were declared from its header. */
function requestId(slot: Slot | undefined): Slot[] {
  return slot === undefined
    ? []
    : [{ ...slot, source: "header", argument: REQUEST_ID_HEADER, verbatim: false }];
}

function headerNames(slots: readonly Slot[], cookies: boolean, body: boolean): string[] {
  const names = slots.map((slot) => slot.argument);
  if (cookies) names.push("cookie");
  if (body) names.push("content-type", "content-encoding");
  return names;
}
