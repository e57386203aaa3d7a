/** Owner, editor and viewer are thousands of permissions; a grant names a role that is made for its work. */
import { shown, type Rule } from "../rule";

const BASIC = ["roles/owner", "roles/editor", "roles/viewer"];

export const noBasicRoles: Rule = {
  name: "no-basic-roles",
  description: "Grants name roles made for their work, never owner, editor or viewer.",
  check: ({ props: { role } }) =>
    BASIC.includes(String(role)) ? [`role: got ${shown(role)}; expected a predefined or custom role`] : [],
};
