/** Nothing of the lab is for everyone. */
import { at, shown, type Rule } from "../rule";

const EVERYONE = ["allUsers", "allAuthenticatedUsers"];

export const noPublicMembers: Rule = {
  name: "no-public-members",
  description: "No grant to allUsers or allAuthenticatedUsers.",
  check: ({ props }) =>
    [at(props, "member"), ...Object.values((at(props, "members") as object | undefined) ?? {})]
      .filter((member) => EVERYONE.includes(String(member)))
      .map((member) => `member: got ${shown(member)}; expected a user, group or service account`),
};
