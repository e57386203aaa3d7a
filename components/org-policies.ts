/** Organization policies of the project: what an organization may forbid and the lab needs, or allows and the lab does not. */
import * as orgpolicy from "@pulumi/gcp/orgpolicy";
import * as pulumi from "@pulumi/pulumi";

export interface OrgPoliciesArgs {
  project: string;
}

/** Constraint to whether it is enforced here, with the reason. */
export const CONSTRAINTS: Readonly<Record<string, boolean>> = {
  // Workbench and Composer images are shielded; a plain one never starts here.
  "compute.requireShieldedVm": true,
  // Jupyter users sign in through the proxy and not by SSH keys in metadata.
  "compute.requireOsLogin": true,
  // Managed Spark reads its nodes' serial output when a driver does not start.
  "compute.disableSerialPortLogging": false,
  "storage.publicAccessPrevention": true,
  "storage.uniformBucketLevelAccess": true,
  "iam.disableServiceAccountKeyCreation": true,
};

export class OrgPolicies extends pulumi.ComponentResource {
  constructor(name: string, args: OrgPoliciesArgs, opts?: pulumi.ComponentResourceOptions) {
    super("sparklab:foundation:OrgPolicies", name, {}, opts);
    for (const [constraint, enforced] of Object.entries(CONSTRAINTS)) {
      new orgpolicy.Policy(
        `${name}-${constraint}`,
        {
          name: `projects/${args.project}/policies/${constraint}`,
          parent: `projects/${args.project}`,
          spec: { rules: [{ enforce: enforced ? "TRUE" : "FALSE" }] },
        },
        { parent: this, deleteBeforeReplace: true, dependsOn: opts?.dependsOn },
      );
    }
    this.registerOutputs();
  }
}
