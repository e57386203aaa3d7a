/** In production data outlives the stack; elsewhere a lab must be able to end without leftovers. */
import { at, shown, type Rule } from "../rule";

/** What holds data, and the value that keeps it. */
const KEEPS: Readonly<Record<string, readonly [path: string, value: boolean]>> = {
  "gcp:storage/bucket:Bucket": ["forceDestroy", false],
  "gcp:bigquery/dataset:Dataset": ["deleteContentsOnDestroy", false],
  "gcp:bigquery/table:Table": ["deletionProtection", true],
  "gcp:dataproc/metastoreService:MetastoreService": ["deletionProtection", true],
  "gcp:cloudrunv2/service:Service": ["deletionProtection", true],
};

export const deletionProtection: Rule = {
  name: "deletion-protection",
  description: "Environments named prod... refuse to delete data.",
  check: ({ type, props }) => {
    const keep = KEEPS[type];
    const isProduction = /^prod/.test(String(at(props, "labels.environment")));
    // The rows of an external table are files of a bucket, which has its own protection.
    if (!keep || !isProduction || at(props, "externalDataConfiguration") !== undefined) return [];
    const [path, value] = keep;
    return at(props, path) === value
      ? []
      : [`${path}: got ${shown(at(props, path))}; expected ${value}. pulumi config set sparklab:protectData true`];
  },
};
