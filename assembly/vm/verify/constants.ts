/** Rules 4 and 5: strings, numbers, networks, and the sets made of them. */
import { SET_MEMBERS, SET_NETWORKS, SET_NUMBERS, SET_STRINGS } from "../../gen/constants";
import { allocateZeroed } from "../../host/arena";
import { ADDRESS_PREFIX, inNetwork, isMapped, MAPPED_PREFIX, orderAddresses, zeroBehind } from "../address";
import { Bundle, NETWORK_ENTRY_BYTES } from "../bundle";
import { equalBytes, hashBytes } from "../bytes";
import { internString } from "../strings";
import { isUtf8 } from "../utf8";
import { refuse, refuseAt } from "./refusal";

/** Rule 4. The string offsets are there, the intern table is empty. */
export function verifyConstants(bundle: Bundle): bool {
  for (let i: u32 = 0; i < bundle.stringCount; i++) {
    if (!isUtf8(bundle.stringPointer(i), bundle.stringLength(i))) return refuseAt("strings", "malformed", i);
    if (!internString(bundle, i)) return refuseAt("strings", "two alike", i);
  }
  if (!verifyTexts(bundle)) return false;
  for (let i: u32 = 0; i < bundle.numberCount; i++) {
    if (!isFinite(bundle.number(i))) return refuseAt("numbers", "malformed", i);
    if (reinterpret<u64>(bundle.number(i)) == 0x8000000000000000) return refuseAt("numbers", "malformed", i);
  }
  if (!allDiffer(bundle.hashSeed, bundle.numbers, bundle.numberCount, 8)) return refuse("numbers", "two alike");
  for (let i: u32 = 0; i < bundle.networkCount; i++) {
    const address = bundle.networkAddress(i);
    const prefix = bundle.networkPrefix(i);
    if (prefix > ADDRESS_PREFIX) return refuseAt("networks", "bad prefix", i);
    if (prefix < MAPPED_PREFIX && isMapped(address)) return refuseAt("networks", "bad prefix", i);
    if (!zeroBehind(address, prefix)) return refuseAt("networks", "bad prefix", i);
  }
  return allDiffer(bundle.hashSeed, bundle.networks, bundle.networkCount, NETWORK_ENTRY_BYTES) || refuse("networks", "two alike");
}

function verifyTexts(bundle: Bundle): bool {
  const count = bundle.textCount;
  const texts = bundle.textEnds + (count << 2);
  const last: u32 = count == 0 ? 0 : load<u32>(texts - 4);
  let end: u32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const from = end;
    end = load<u32>(bundle.textEnds + (i << 2));
    if (end < from || end > last || !isUtf8(texts + from, end - from)) return refuseAt("strings", "malformed", i);
  }
  return true;
}

/** Rule 5. */
export function verifySets(bundle: Bundle): bool {
  let next: u32 = 0;
  for (let i: u32 = 0; i < bundle.setCount; i++) {
    const set = bundle.set(i);
    if (set.kind > SET_NETWORKS) return refuseAt("sets", "unknown kind", i);
    if (set.first != next || set.count > bundle.elementCount - next) return refuseAt("sets", "ranges do not join", i);
    if (set.count == 0) return refuseAt("sets", "empty", i);
    next += set.count;
    // Members are checked where the set is used.
    const count = countOf(bundle, set.kind);
    for (let e = set.first; e < next; e++) {
      if (set.kind != SET_MEMBERS && bundle.element(e) >= count) return refuseAt("sets", "does not exist", i);
      if (e > set.first && !ascends(bundle, set.kind, bundle.element(e - 1), bundle.element(e))) return refuseAt("sets", "wrong order", i);
    }
  }
  return next == bundle.elementCount || refuse("sets", "not all used");
}

function countOf(bundle: Bundle, kind: u32): u32 {
  return kind == SET_STRINGS ? bundle.stringCount : kind == SET_NUMBERS ? bundle.numberCount : bundle.networkCount;
}

function ascends(bundle: Bundle, kind: u32, before: u32, element: u32): bool {
  if (kind == SET_NUMBERS) return bundle.number(before) < bundle.number(element);
  if (kind != SET_NETWORKS) return before < element;
  const address = bundle.networkAddress(element);
  const other = bundle.networkAddress(before);
  return orderAddresses(other, address) < 0 && !inNetwork(address, other, bundle.networkPrefix(before));
}

/** No two of the entries, of `bytes` bytes each, are equal. */
function allDiffer(seed: u32, entries: usize, count: u32, bytes: u32): bool {
  let slots: u32 = 4;
  while (slots < count * 2) slots *= 2;
  const table = allocateZeroed(<usize>slots * 4);
  if (table == 0) return false;
  for (let i: u32 = 0; i < count; i++) {
    const entry = entries + i * bytes;
    let at = hashBytes(seed, entry, bytes) & (slots - 1);
    while (true) {
      const other = load<u32>(table + (at << 2));
      if (other == 0) break;
      if (equalBytes(entry, bytes, entries + (other - 1) * bytes, bytes)) return false;
      at = (at + 1) & (slots - 1);
    }
    store<u32>(table + (at << 2), i + 1);
  }
  return true;
}

/** Rule 5, schedules. */
export function verifySchedules(bundle: Bundle): bool {
  let next: u32 = 0;
  for (let i: u32 = 0; i < bundle.scheduleCount; i++) {
    const entry = bundle.schedule(i);
    const hours = entry.days - 1 < 127 && entry.from < entry.to && entry.to <= 1440 && entry.until < 0x80000000;
    if (!hours || entry.count == 0) return refuseAt("schedules", "malformed", i);
    if (entry.first != next || entry.count > bundle.offsetCount - next) return refuseAt("schedules", "ranges do not join", i);
    let least: u32 = 1440;
    for (const end = next + entry.count; next < end; next++) {
      const minute = load<u32>(bundle.offset(next));
      if (minute < least || minute >= entry.until) return refuseAt("schedules", "wrong order", i);
      if (load<u32>(bundle.offset(next), 4) + 1440 > 2880) return refuseAt("schedules", "malformed", i);
      least = minute + 1;
    }
  }
  return next == bundle.offsetCount || refuse("schedules", "not all used");
}
