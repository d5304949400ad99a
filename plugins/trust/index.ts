export {
  generateKeys,
  readSigningKey,
  readVerifyingKeys,
  type SigningKey,
  type VerifyingKey,
} from "./keys.ts";
export { type Checked, checkSignature, STATEMENT_TEXT_MAX, signStatement } from "./statement.ts";
export { checkOffer, hasExpired, type Mark, type TrustOptions, timeText } from "./trust.ts";
