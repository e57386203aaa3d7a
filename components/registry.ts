/** One Artifact Registry repository, of images or of compiled pipelines, with the grants on it. */
import * as artifactregistry from "@pulumi/gcp/artifactregistry";
import * as pulumi from "@pulumi/pulumi";
import type { Grants } from "./iam";

export interface RegistryArgs {
  project: string;
  /** From names.ts. */
  repositoryId: string;
  location: string;
  format: "DOCKER" | "KFP";
  description: string;
  labels: Record<string, string>;
  grants: Grants;
}

/** Versions of an image that stay when others are cleaned up. */
const KEPT_VERSIONS = 5;

export class Registry extends pulumi.ComponentResource {
  readonly repository: artifactregistry.Repository;
  /** `<region>-docker.pkg.dev/<project>/<repository>`, or the pipelines' host. */
  readonly address: pulumi.Output<string>;

  constructor(name: string, args: RegistryArgs, opts?: pulumi.ComponentResourceOptions) {
    super("sparklab:spark:Registry", name, {}, opts);
    this.repository = new artifactregistry.Repository(
      name,
      {
        repositoryId: args.repositoryId,
        location: args.location,
        format: args.format,
        description: args.description,
        labels: args.labels,
        ...(args.format === "DOCKER" ? cleanup() : {}),
      },
      { parent: this, deleteBeforeReplace: true, dependsOn: opts?.dependsOn },
    );
    const host = args.format === "DOCKER" ? `${args.location}-docker.pkg.dev` : `https://${args.location}-kfp.pkg.dev`;
    this.address = pulumi.interpolate`${host}/${args.project}/${this.repository.repositoryId}`;
    for (const [key, grant] of Object.entries(args.grants)) {
      new artifactregistry.RepositoryIamMember(
        `${name}-${key}`,
        { repository: this.repository.name, location: args.location, ...grant },
        { parent: this, deleteBeforeReplace: true },
      );
    }
    this.registerOutputs({ address: this.address });
  }
}

/** Untagged leftovers of builds go after a week, the newest versions always stay. */
function cleanup(): Pick<artifactregistry.RepositoryArgs, "cleanupPolicies" | "cleanupPolicyDryRun"> {
  return {
    cleanupPolicyDryRun: false,
    cleanupPolicies: [
      { id: "keep-newest", action: "KEEP", mostRecentVersions: { keepCount: KEPT_VERSIONS } },
      { id: "delete-untagged", action: "DELETE", condition: { tagState: "UNTAGGED", olderThan: "604800s" } },
    ],
  };
}
