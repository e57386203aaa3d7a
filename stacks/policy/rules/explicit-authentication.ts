/** Whom a workload acts as is said: its default turned from service account to end user with runtime 3.0. */
import { at, shown, type Rule } from "../rule";

const TYPES = ["gcp:dataproc/sessionTemplate:SessionTemplate", "gcp:dataproc/batch:Batch"];
const PATH = "environmentConfig.executionConfig.authenticationConfig.userWorkloadAuthenticationType";

export const explicitAuthentication: Rule = {
  name: "explicit-authentication",
  description: "Spark workloads act as their service account, and say so.",
  check: ({ type, props }) =>
    !TYPES.includes(type) || at(props, PATH) === "SERVICE_ACCOUNT"
      ? []
      : [`${PATH}: got ${shown(at(props, PATH))}; expected "SERVICE_ACCOUNT"`],
};
