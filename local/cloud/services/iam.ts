/** IAM v1: service accounts with their keys and policies, custom and predefined roles. */
import type { Service } from "../service";
import { accountMethods, accountType } from "./iam-accounts";
import { customRoleType, roleMethods } from "./iam-custom-roles";
import { keyMethods } from "./iam-keys";

export const iam: Service = {
  apis: ["iam.v1"],
  types: [accountType, customRoleType],
  methods: { ...accountMethods, ...keyMethods, ...roleMethods },
};
