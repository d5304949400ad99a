/** One request to the cells of one bundle (docs/request.md). Nothing here traps, whatever the request. */
import {
  BUILTIN_CONNECTION_MTLS,
  BUILTIN_CONNECTION_REQUESTED_SERVER_NAME,
  BUILTIN_DESTINATION_PORT,
  BUILTIN_DESTINATION_PRINCIPAL,
  BUILTIN_REQUEST_HOST,
  BUILTIN_REQUEST_ID,
  BUILTIN_REQUEST_METHOD,
  BUILTIN_REQUEST_PATH,
  BUILTIN_REQUEST_QUERY,
  BUILTIN_REQUEST_SIZE,
  BUILTIN_REQUEST_TIME,
  BUILTIN_RESOURCE_TYPE,
  BUILTIN_SOURCE_PORT,
  BUILTIN_SOURCE_PRINCIPAL,
  SLOT_HAS_DEFAULT,
  SOURCE_BODY,
  SOURCE_BUILTIN,
  SOURCE_CAPTURE,
  SOURCE_COOKIE,
  SOURCE_HEADER,
  SOURCE_QUERY,
  TYPE_CIDR,
  TYPE_DATETIME,
  TYPE_DURATION,
  TYPE_FLOAT,
  TYPE_INT,
  TYPE_IP,
  TYPE_LIST,
  TYPE_STRING,
} from "../gen/constants";
import { allocateZeroed } from "../host/arena";
import { BODY_ABSENT, BODY_JSON, bodyIsSpoiled, openBody, readBody } from "./body";
import { Bundle, ResourceEntry, SlotEntry } from "./bundle";
import { lowerBytes } from "./bytes";
import { ABSENT, Cell, cellAt, CELL_BYTES, INVALID, KIND_ADDRESS, PRESENT, SAFE_INTEGER_MAX, setStates } from "./cells";
import { readCookie, readHeader, readRequestId } from "./headers";
import { plainHost, plainHostLength, readHost } from "./host";
import { factOfBuiltin } from "./load-bundle";
import { decodeParameter, findParameter, parameterValue, parameterValueLength, readQuery } from "./query";
import { FACT_HOST, FACT_METHOD, FACT_TARGET, MISSING, NeutralRequest, UNDELIVERED } from "./request";
import { captureIndex, matchResource, segmentLength, segmentPointer } from "./resources";
import { isValidMethod, readTarget, Target } from "./target";
import { addPiece, addPieces, beginPieces, readPieces, readText, setNumber, setString } from "./text-values";

// @ts-ignore: decorator
@inline const PORT_MAX: f64 = 65535;

/** Of the request at hand, each computed when the first slot asks for it. */
let methodValid: bool = false;
let target: Target = changetype<Target>(0);
let queryValid: bool = false;
let queryRead: bool = false;
let resource: ResourceEntry | null = null;
let resourceRead: bool = false;
let body: u32 = BODY_ABSENT;
let sound: bool = false;

/**
 * The global frame's first cell, in the arena; slots that no code reads stay absent. 0 when memory is exhausted;
 * it may also be exhausted on the way, so ask `arenaExhausted` before a decision is believed.
 */
export function loadSlots(bundle: Bundle, request: NeutralRequest): usize {
  const cells = allocateZeroed(bundle.cellCount * CELL_BYTES);
  if (cells == 0) return 0;
  methodValid = isValidMethod(request.fact(FACT_METHOD));
  target = readTarget(request.fact(FACT_TARGET), bundle.pathMode);
  queryRead = false;
  resourceRead = false;
  sound = methodValid && target.pathValid && hostIsSound(bundle, request);
  if (bundle.readsBody) body = openBody(request);
  for (let i: u32 = 0; i < bundle.readSlotCount; i++) {
    const index = bundle.readSlot(i);
    readSlot(bundle, request, bundle.slot(index), cellAt(cells, bundle.slotCell(index)));
  }
  if (bundle.readsBody && bodyIsSpoiled()) spoilBody(bundle, cells);
  for (let i: u32 = 0; i < bundle.readSlotCount; i++) {
    const index = bundle.readSlot(i);
    applyDefault(bundle, bundle.slot(index), cellAt(cells, bundle.slotCell(index)));
  }
  return cells;
}

/** Method, path and host of the last request are valid, as far as `default allow` asks. */
export function requestIsSound(): bool {
  return sound;
}

function hostIsSound(bundle: Bundle, request: NeutralRequest): bool {
  if (!bundle.defaultAllow) return false;
  const host = request.fact(FACT_HOST);
  return host.state == MISSING || readHost(host);
}

function readSlot(bundle: Bundle, request: NeutralRequest, slot: SlotEntry, cell: Cell): void {
  switch (<u32>slot.source) {
    case SOURCE_BUILTIN:
      readBuiltin(bundle, request, slot, cell);
      return;
    case SOURCE_HEADER:
      readHeader(bundle, request, slot, cell, bundle.stringPointer(slot.argument), bundle.stringLength(slot.argument));
      return;
    case SOURCE_QUERY:
      readParameter(bundle, slot, cell);
      return;
    case SOURCE_COOKIE:
      readCookie(bundle, request, slot, cell);
      return;
    case SOURCE_CAPTURE:
      readCapture(bundle, request, slot, cell);
      return;
    case SOURCE_BODY:
      if (body == BODY_JSON) readBody(bundle, slot, cell);
      else if (body != BODY_ABSENT) setStates(cell, bundle.shapeWidth(slot.shape), INVALID);
      return;
    default:
      readExtension(bundle, request, slot, cell);
  }
}

/** Everything read from the body is invalid. */
function spoilBody(bundle: Bundle, cells: usize): void {
  for (let i: u32 = 0; i < bundle.readSlotCount; i++) {
    const index = bundle.readSlot(i);
    const slot = bundle.slot(index);
    if (slot.source == SOURCE_BODY) setStates(cellAt(cells, bundle.slotCell(index)), bundle.shapeWidth(slot.shape), INVALID);
  }
}

// --- builtins ---

function readBuiltin(bundle: Bundle, request: NeutralRequest, slot: SlotEntry, cell: Cell): void {
  switch (slot.argument) {
    case BUILTIN_REQUEST_METHOD: {
      const method = request.fact(FACT_METHOD);
      giveString(cell, methodValid, method.pointer, method.length);
      return;
    }
    case BUILTIN_REQUEST_PATH:
      giveString(cell, target.pathValid, target.path, target.pathLength);
      return;
    case BUILTIN_REQUEST_QUERY:
      giveString(cell, target.queryValid, target.query, target.queryLength);
      return;
    case BUILTIN_REQUEST_HOST: {
      const host = request.fact(FACT_HOST);
      if (host.state == MISSING) return;
      giveString(cell, readHost(host), plainHost(), plainHostLength());
      return;
    }
    case BUILTIN_REQUEST_ID:
      readRequestId(bundle, request, slot, cell);
      return;
    case BUILTIN_RESOURCE_TYPE: {
      const found = resourceOf(bundle, request);
      setNumber(cell, found === null ? -1 : <f64>found.member);
      cell.state = <u16>(methodValid && target.pathValid ? PRESENT : INVALID);
      return;
    }
    default:
      readFact(bundle, request, slot, cell);
  }
}

function giveString(cell: Cell, valid: bool, pointer: usize, length: u32): void {
  setString(cell, pointer, length);
  cell.state = <u16>(valid ? PRESENT : INVALID);
}

/** A builtin that is one fact of the host. */
function readFact(bundle: Bundle, request: NeutralRequest, slot: SlotEntry, cell: Cell): void {
  const id = slot.argument;
  const fact = request.fact(factOfBuiltin(id));
  if (fact.state == MISSING) return;
  if (fact.state == UNDELIVERED) {
    cell.state = <u16>INVALID;
    return;
  }
  switch (id) {
    case BUILTIN_REQUEST_SIZE:
    case BUILTIN_REQUEST_TIME:
      giveWhole(cell, fact.number, SAFE_INTEGER_MAX);
      return;
    case BUILTIN_SOURCE_PORT:
    case BUILTIN_DESTINATION_PORT:
      giveWhole(cell, fact.number, PORT_MAX);
      return;
    case BUILTIN_CONNECTION_MTLS:
      giveWhole(cell, fact.number, 1);
      return;
    default:
      // An empty principal, server name, TLS version or certificate field is absent.
      if (fact.length == 0 && (id > BUILTIN_CONNECTION_MTLS || id == BUILTIN_SOURCE_PRINCIPAL || id == BUILTIN_DESTINATION_PRINCIPAL)) return;
      // Host names have no case. The bytes are the module's own copy.
      if (id == BUILTIN_CONNECTION_REQUESTED_SERVER_NAME) lowerBytes(fact.pointer, fact.length);
      readText(bundle, slot.shape, cell, fact.pointer, fact.length);
  }
}

/** A whole number from 0 to `most`. */
function giveWhole(cell: Cell, value: f64, most: f64): void {
  const fits = value >= 0 && value <= most && Math.floor(value) == value;
  // Adding 0 makes 0 of -0.
  setNumber(cell, fits ? value + 0 : 0);
  cell.state = <u16>(fits ? PRESENT : INVALID);
}

// --- path and query ---

function resourceOf(bundle: Bundle, request: NeutralRequest): ResourceEntry | null {
  if (!resourceRead) {
    resourceRead = true;
    resource = methodValid && target.pathValid ? matchResource(bundle, request.fact(FACT_METHOD), target) : null;
  }
  return resource;
}

function readCapture(bundle: Bundle, request: NeutralRequest, slot: SlotEntry, cell: Cell): void {
  if (!methodValid || !target.pathValid) {
    cell.state = <u16>INVALID;
    return;
  }
  const found = resourceOf(bundle, request);
  if (found === null) return;
  const at = captureIndex(bundle, found, slot.argument);
  if (at >= 0) readText(bundle, slot.shape, cell, segmentPointer(at), segmentLength(at));
}

function readParameter(bundle: Bundle, slot: SlotEntry, cell: Cell): void {
  if (!queryRead) {
    queryRead = true;
    queryValid = target.queryValid && readQuery(target);
  }
  if (!queryValid) {
    cell.state = <u16>INVALID;
    return;
  }
  const name = bundle.stringPointer(slot.argument);
  const length = bundle.stringLength(slot.argument);
  let found = findParameter(0, name, length);
  if (found < 0) return;
  const shape = bundle.shape(slot.shape);
  if (shape.type != TYPE_LIST) {
    if (findParameter(found + 1, name, length) >= 0 || !decodeParameter(found)) cell.state = <u16>INVALID;
    else readText(bundle, slot.shape, cell, parameterValue(), parameterValueLength());
    return;
  }
  beginPieces();
  for (; found >= 0; found = findParameter(found + 1, name, length)) {
    if (decodeParameter(found)) addPiece(parameterValue(), parameterValueLength());
    else addPiece(0, 0);
  }
  readPieces(bundle, shape.argument, cell);
}

// --- extensions and defaults ---

function readExtension(bundle: Bundle, request: NeutralRequest, slot: SlotEntry, cell: Cell): void {
  if (request.extensionsState == UNDELIVERED) {
    cell.state = <u16>INVALID;
    return;
  }
  for (let i: u32 = 0; i < request.extensionCount; i++) {
    const extension = request.extension(i);
    if (!bundle.stringIs(slot.argument, extension.name, extension.nameLength)) continue;
    const shape = bundle.shape(slot.shape);
    if (shape.type != TYPE_LIST) {
      readText(bundle, slot.shape, cell, extension.value, extension.valueLength);
      return;
    }
    beginPieces();
    addPieces(0x2c, extension.value, extension.valueLength);
    readPieces(bundle, shape.argument, cell);
    return;
  }
}

/** A default replaces what is absent, never what is invalid. */
function applyDefault(bundle: Bundle, slot: SlotEntry, cell: Cell): void {
  if ((slot.flags & SLOT_HAS_DEFAULT) == 0 || cell.state != ABSENT) return;
  giveConstant(bundle, slot.shape, slot.defaultIndex, cell);
}

/** A constant of a scalar type as a present value. */
export function giveConstant(bundle: Bundle, shape: u32, index: u32, cell: Cell): void {
  cell.state = <u16>PRESENT;
  switch (bundle.shape(shape).type) {
    case TYPE_STRING:
      setString(cell, bundle.stringPointer(index), bundle.stringLength(index));
      return;
    case TYPE_INT:
    case TYPE_FLOAT:
    case TYPE_DATETIME:
    case TYPE_DURATION:
      setNumber(cell, bundle.number(index));
      return;
    case TYPE_IP:
    case TYPE_CIDR:
      cell.pointer = bundle.networkAddress(index);
      cell.length = bundle.networkPrefix(index);
      cell.kind = <u16>KIND_ADDRESS;
      return;
    default:
      setNumber(cell, <f64>index);
  }
}
