/** What runs Spark says on which runtime, and one that Google still supports: the service's default changes under us. */
import { SUPPORTED_RUNTIMES, supportedRuntimes } from "../../config/runtimes";
import { at, shown, type Rule } from "../rule";

const VERSIONS: Readonly<Record<string, string>> = {
  "gcp:dataproc/sessionTemplate:SessionTemplate": "runtimeConfig.version",
  "gcp:dataproc/batch:Batch": "runtimeConfig.version",
  "gcp:bigquery/routine:Routine": "sparkOptions.runtimeVersion",
};

export const supportedSparkRuntimes: Rule = {
  name: "supported-runtimes",
  description: "Spark runs on an explicit runtime that Google supports.",
  check: ({ type, props }) => {
    const path = VERSIONS[type];
    if (!path || (type.includes("routine") && at(props, "sparkOptions") === undefined)) return [];
    const version = at(props, path);
    return typeof version === "string" && version in SUPPORTED_RUNTIMES
      ? []
      : [`${path}: got ${shown(version)}; expected ${supportedRuntimes()}`];
  },
};
