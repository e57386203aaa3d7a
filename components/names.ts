/** Physical names: `<prefix>-<environment>-<role>`, nothing random, proven to fit what Google allows. */

export interface Naming {
  prefix: string;
  environment: string;
}

interface Rule {
  separator: "-" | "_";
  max: number;
  min: number;
  pattern: RegExp;
  source: string;
}

/** What Google accepts per kind of resource. */
export const NAME_RULES = {
  bucket: {
    separator: "-",
    min: 3,
    max: 63,
    pattern: /^[a-z0-9][a-z0-9-]*[a-z0-9]$/,
    source: "cloud.google.com/storage/docs/buckets#naming",
  },
  serviceAccount: {
    separator: "-",
    min: 6,
    max: 30,
    pattern: /^[a-z][a-z0-9-]*[a-z0-9]$/,
    source: "cloud.google.com/iam/docs/service-accounts-create",
  },
  dataset: {
    separator: "_",
    min: 1,
    max: 1024,
    pattern: /^[A-Za-z0-9_]+$/,
    source: "cloud.google.com/bigquery/docs/datasets#dataset-naming",
  },
  sessionTemplate: {
    separator: "-",
    min: 4,
    max: 63,
    pattern: /^[a-z][a-z0-9-]*[a-z0-9]$/,
    source: "dataproc.v1 SessionTemplate.name",
  },
  customRole: {
    separator: "_",
    min: 3,
    max: 64,
    pattern: /^[A-Za-z0-9_.]+$/,
    source: "iam.v1 CreateRoleRequest.role_id",
  },
  resource: {
    separator: "-",
    min: 1,
    max: 63,
    pattern: /^[a-z]([a-z0-9-]*[a-z0-9])?$/,
    source: "RFC 1035, as in cloud.google.com/compute/docs/naming-resources",
  },
  cluster: {
    separator: "-",
    min: 2,
    max: 51,
    pattern: /^[a-z][a-z0-9-]*[a-z0-9]$/,
    source: "dataproc.v1 Cluster.cluster_name",
  },
  service: {
    separator: "-",
    min: 1,
    max: 49,
    pattern: /^[a-z]([a-z0-9-]*[a-z0-9])?$/,
    source: "run.v2 CreateServiceRequest.service_id",
  },
} as const satisfies Record<string, Rule>;
export type NamedKind = keyof typeof NAME_RULES;

/**
 * The physical name of one resource.
 * @throws RangeError that names the role, the name, its length and the limit.
 */
export function physicalName(naming: Naming, kind: NamedKind, role: string): string {
  const rule: Rule = NAME_RULES[kind];
  const name = [naming.prefix, naming.environment, role].join("-").replaceAll("-", rule.separator);
  if (name.length < rule.min || name.length > rule.max || !rule.pattern.test(name)) {
    throw new RangeError(
      `${kind} name of role "${role}": got "${name}" (${name.length} characters); expected ${rule.min} to ${rule.max} ` +
        `characters of ${rule.pattern.source}. Choose a shorter one: pulumi config set sparklab:prefix <prefix>.`,
    );
  }
  return name;
}
