/**
 * The plugin's configuration: the bytes of a bundle, or JSON, which is all that Istio and Envoy Gateway pass:
 *
 *     {"bundle": "<base64>", "allow_on_headers_stop_iteration": true}
 *
 * The second member says that the proxy's own configuration has the flag of that name (Envoy's PluginConfig). Without
 * it a filter that waits for a body hangs every request that has one, so a bundle that reads the body is refused.
 * With `trusted_keys` only a signed bundle is taken: `trust.ts`.
 */
import { MAGIC, SOURCE_EXTENSION } from "../gen/constants";
import { readConfiguration } from "../host/buffers";
import { newLog, sendLog } from "../host/log";
import { allocateBlock, freeBlock } from "../host/memory";
import { resultPointer, resultSize } from "../host/results";
import { LOG_ERROR, LOG_INFO, STATUS_OK } from "../host/status";
import { BASE64_MALFORMED, base64Decode, base64Length } from "../vm/base64";
import { Bundle } from "../vm/bundle";
import { equalsText } from "../vm/bytes";
import { JSON_ARRAY, JSON_FALSE, JSON_OBJECT, JSON_STRING, JSON_TRUE, JsonNode, jsonNode, parseJson } from "../vm/json";
import { DIGEST_TEXT_BYTES, freeBundle, loadBundle } from "../vm/load-bundle";
import { refuse, refuseText, writeRefusal } from "../vm/verify/refusal";
import { setBundle } from "./roots";
import { isTrusted, setAudience, setBundleName, setKeys, setNoTrust, setStatement } from "./trust";

/** Load the configuration of a root context; false, with a message in the log, leaves everything as it was. */
export function configureRoot(id: u32, size: u32): bool {
  const bundle = readBundle(size);
  if (bundle === null) {
    sendLog(LOG_ERROR, writeRefusal(newLog().text("refused, ")));
    return false;
  }
  if (!setBundle(id, bundle)) {
    freeBundle(bundle);
    refuse("configuration", "out of memory");
    sendLog(LOG_ERROR, writeRefusal(newLog().text("refused, ")));
    return false;
  }
  sendLog(LOG_INFO, newLog().text("bundle sha256:").bytes(bundle.digestText, DIGEST_TEXT_BYTES).text(" is in force"));
  return true;
}

function readBundle(size: u32): Bundle | null {
  if (size == 0) return none("empty; give a bundle, or {\"bundle\": \"<base64>\"}");
  if (readConfiguration(size) != STATUS_OK || resultSize() != size) return none("not delivered by the proxy");
  const pointer = resultPointer();
  const isBundle = size >= 4 && load<u32>(pointer) == MAGIC;
  return isBundle ? fromBytes(pointer, size) : fromJson(pointer, size);
}

function fromBytes(pointer: usize, size: u32): Bundle | null {
  const bytes = allocateBlock(size);
  if (bytes == 0) return none("out of memory");
  memory.copy(bytes, pointer, size);
  setNoTrust();
  return check(loadBundle(bytes, size), false);
}

function fromJson(pointer: usize, size: u32): Bundle | null {
  if (!parseJson(pointer, size) || jsonNode(0).kind != JSON_OBJECT) return none("neither a bundle nor a JSON object with different members");
  const end = jsonNode(0).next;
  setNoTrust();
  let text: JsonNode | null = null;
  let mayWait = false;
  for (let i: u32 = 1; i < end; i = jsonNode(i + 1).next) {
    const name = jsonNode(i);
    const value = jsonNode(i + 1);
    if (equalsText(name.pointer, name.length, "bundle")) {
      if (value.kind != JSON_STRING) return none("`bundle` is no string");
      text = value;
    } else if (equalsText(name.pointer, name.length, "allow_on_headers_stop_iteration")) {
      if (value.kind != JSON_TRUE && value.kind != JSON_FALSE) return none("`allow_on_headers_stop_iteration` is not true or false");
      mayWait = value.kind == JSON_TRUE;
    } else if (equalsText(name.pointer, name.length, "trusted_keys")) {
      if (value.kind != JSON_ARRAY || value.length == 0) return none("`trusted_keys` is no list of keys");
      setKeys(i + 1);
    } else if (equalsText(name.pointer, name.length, "audience")) {
      if (value.kind != JSON_STRING) return none("`audience` is no string");
      setAudience(value);
    } else if (equalsText(name.pointer, name.length, "bundle_name")) {
      if (value.kind != JSON_STRING) return none("`bundle_name` is no string");
      setBundleName(value);
    } else if (equalsText(name.pointer, name.length, "statement")) {
      if (value.kind != JSON_STRING) return none("`statement` is no string");
      setStatement(value);
    } else {
      refuseText("configuration", "unknown member", name.pointer, name.length);
      return null;
    }
  }
  return text === null ? none("`bundle` is missing") : fromBase64(text, mayWait);
}

function fromBase64(text: JsonNode, mayWait: bool): Bundle | null {
  const size = base64Length(text.pointer, text.length);
  if (size == BASE64_MALFORMED) return none("`bundle` is not base64");
  const bytes = allocateBlock(size);
  if (bytes == 0) return none("out of memory");
  if (!base64Decode(text.pointer, text.length, bytes)) {
    freeBlock(bytes);
    return none("`bundle` is not base64");
  }
  return check(loadBundle(bytes, size), mayWait);
}

/** What this host cannot supply is refused here, not met request by request. */
function check(bundle: Bundle | null, mayWait: bool): Bundle | null {
  if (bundle === null || (canSupply(bundle, mayWait) && isTrusted(bundle))) return bundle;
  freeBundle(bundle);
  return null;
}

function canSupply(bundle: Bundle, mayWait: bool): bool {
  for (let i: u32 = 0; i < bundle.readSlotCount; i++) {
    const slot = bundle.slot(bundle.readSlot(i));
    if (slot.source != SOURCE_EXTENSION) continue;
    return refuseName(bundle, "the proxy cannot supply", slot.name);
  }
  if (bundle.readsBody && !mayWait) {
    return refuse(
      "bundle",
      "it reads the body; set allow_on_headers_stop_iteration in the proxy's PluginConfig, and in this configuration (as JSON) beside \"bundle\"",
    );
  }
  return true;
}

/** The bundle is freed before the message is written, so the name is kept aside. */
function refuseName(bundle: Bundle, why: string, name: u32): bool {
  const length = min(bundle.stringLength(name), NAME_BYTES);
  memory.copy(NAME, bundle.stringPointer(name), length);
  return refuseText("bundle", why, NAME, length);
}

// @ts-ignore: decorator
@inline const NAME_BYTES: u32 = 128;
const NAME: usize = memory.data(128, 4);

function none(why: string): Bundle | null {
  refuse("configuration", why);
  return null;
}
