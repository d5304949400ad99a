/** Rules 16 to 18: the source trees of the conditions, that every routine has a use, and the constants of the policies. */
import { LIMIT_EXPLAIN_DEPTH_MAX, NODE_AND, NODE_LEAF, NODE_NOT, NODE_OR, NONE } from "../../gen/constants";
import { allocateZeroed } from "../../host/arena";
import { Bundle, NodeEntry } from "../bundle";
import { columnsOf } from "./code";
import { refuse, refuseAt } from "./refusal";

/** One byte for each node: it has a parent. */
let parented: usize = 0;
/** u32 for each node: the policy whose tree it is in. */
let owners: usize = 0;
/** u32 for each policy: constants that its routines demand. */
let columns: usize = 0;
/** u16 for each node: height of its tree. */
let heights: usize = 0;
/** One byte for each routine: it has a use. */
let used: usize = 0;

/** Rules 16 and 17. */
export function verifyExplain(bundle: Bundle): bool {
  if (bundle.rowCount != bundle.policyCount) return refuse("explain", "wrong number");
  parented = allocateZeroed(bundle.nodeCount);
  heights = allocateZeroed(bundle.nodeCount * 2);
  used = allocateZeroed(bundle.routineCount);
  owners = allocateZeroed(bundle.nodeCount * 4);
  columns = allocateZeroed(bundle.policyCount * 4);
  if (owners == 0 || columns == 0) return refuse("bundle", "out of memory");
  if (parented == 0 || heights == 0 || used == 0) return refuse("bundle", "out of memory");
  for (let i: u32 = 0; i < bundle.nodeCount; i++) {
    if (!verifyNode(bundle, bundle.node(i), i)) return refuseAt("explain", "malformed", i);
  }
  if (!verifyReads(bundle) || !verifyHeights(bundle)) return false;
  for (let i: u32 = 0; i < bundle.policyCount; i++) {
    const policy = bundle.policy(i);
    const row = bundle.row(i);
    if (!verifyRoot(bundle, row.trigger, policy.trigger, i) || !verifyRoot(bundle, row.requirement, policy.requirement, i)) {
      return refuseAt("explain", "a row does not fit its policy", i);
    }
  }
  for (let i: u32 = 0; i < bundle.nodeCount; i++) if (load<u8>(parented + i) == 0) return refuseAt("explain", "nothing leads here", i);
  for (let i: u32 = 0; i < bundle.routineCount; i++) if (load<u8>(used + i) == 0) return refuseAt("routines", "not all used", i);
  return verifyRows(bundle);
}

/** Rule 18: the leaves; then no row is longer than its routines demand. */
function verifyRows(bundle: Bundle): bool {
  for (let i: u32 = 0; i < bundle.nodeCount; i++) {
    const node = bundle.node(i);
    const owner = load<u32>(owners + (i << 2));
    for (let c: u32 = 0; c < node.count; c++) store<u32>(owners + ((node.first + c) << 2), owner);
    if (node.routine != NONE && !takeConstants(bundle, node.routine, owner)) return refuseAt("rows", "bad operand", owner);
  }
  for (let i: u32 = 0; i < bundle.policyCount; i++) {
    if (load<u32>(columns + (i << 2)) != bundle.policy(i).constantCount) return refuseAt("rows", "wrong number", i);
  }
  return true;
}

function takeConstants(bundle: Bundle, routine: u32, index: u32): bool {
  const policy = bundle.policy(index);
  const count = columnsOf(bundle, routine, bundle.constant(policy.firstConstant), policy.constantCount);
  const at = columns + (index << 2);
  store<u32>(at, max(load<u32>(at), count));
  return count != NONE;
}

function verifyNode(bundle: Bundle, node: NodeEntry, index: u32): bool {
  switch (node.kind) {
    case NODE_LEAF:
      if (node.count != 0 || node.first != 0) return false;
      if (node.routine >= bundle.routineCount) return false;
      store<u8>(used + node.routine, 1);
      break;
    case NODE_NOT:
      if (node.count != 1 || node.routine != NONE) return false;
      break;
    case NODE_AND:
    case NODE_OR:
      if (node.count < 2 || node.routine != NONE) return false;
      if (node.text != NONE || node.line != 0 || node.column != 0 || node.readCount != 0) return false;
      return claimChildren(bundle, node, index);
    default:
      return false;
  }
  if (node.text >= bundle.textCount || node.line == 0 || node.column == 0) return false;
  return claimChildren(bundle, node, index);
}

/** Children stand behind their parent, so there are no circles. */
function claimChildren(bundle: Bundle, node: NodeEntry, index: u32): bool {
  if (node.count == 0) return true;
  if (node.first <= index || node.first >= bundle.nodeCount || node.count > bundle.nodeCount - node.first) return false;
  for (let i: u32 = 0; i < node.count; i++) if (!claim(node.first + i)) return false;
  return true;
}

function claim(node: u32): bool {
  if (load<u8>(parented + node) != 0) return false;
  store<u8>(parented + node, 1);
  return true;
}

/** The root is there exactly where the routine is, and is that of no other tree. */
function verifyRoot(bundle: Bundle, node: u32, routine: u32, policy: u32): bool {
  if (node == NONE || routine == NONE) return node == routine;
  store<u8>(used + routine, 1);
  if (node >= bundle.nodeCount || !claim(node)) return false;
  store<u32>(owners + (node << 2), policy);
  return takeConstants(bundle, routine, policy);
}

function verifyReads(bundle: Bundle): bool {
  let next: u32 = 0;
  for (let i: u32 = 0; i < bundle.nodeCount; i++) {
    const node = bundle.node(i);
    if (node.firstRead != next || node.readCount > bundle.readCount - next) return refuseAt("explain", "ranges do not join", i);
    next += node.readCount;
  }
  if (next != bundle.readCount) return refuse("explain", "not all used");
  for (let i: u32 = 0; i < bundle.readCount; i++) {
    const read = bundle.read(i);
    if (read.cell >= bundle.cellCount || read.name >= bundle.stringCount) return refuseAt("explain", "does not exist", i);
  }
  return true;
}

/** From the last to the first, so that children come before their parent. */
function verifyHeights(bundle: Bundle): bool {
  for (let i = bundle.nodeCount; i-- > 0; ) {
    const node = bundle.node(i);
    let height: u32 = 0;
    for (let c: u32 = 0; c < node.count; c++) height = max(height, <u32>load<u16>(heights + ((node.first + c) << 1)));
    if (++height > LIMIT_EXPLAIN_DEPTH_MAX) return refuseAt("explain", "nested too deeply", i);
    store<u16>(heights + (i << 1), <u16>height);
  }
  return true;
}
