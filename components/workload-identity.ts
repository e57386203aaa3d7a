/** A service account that a workload runs as, with everything it may do at project level and who may act as it. */
import * as projects from "@pulumi/gcp/projects";
import * as serviceaccount from "@pulumi/gcp/serviceaccount";
import * as pulumi from "@pulumi/pulumi";
import type { Grants } from "./iam";

export interface WorkloadIdentityArgs {
  project: string;
  /** 6 to 30 characters, from names.ts. */
  accountId: string;
  displayName: string;
  description: string;
  /** Project-level roles by grant key; only what cannot be granted on a resource. @default none */
  projectRoles?: Record<string, pulumi.Input<string>>;
  /** Who may use the account, granted on this account alone. @default nobody */
  actAs?: Grants;
}

export class WorkloadIdentity extends pulumi.ComponentResource {
  readonly account: serviceaccount.Account;
  readonly email: pulumi.Output<string>;
  readonly member: pulumi.Output<string>;

  constructor(name: string, args: WorkloadIdentityArgs, opts?: pulumi.ComponentResourceOptions) {
    super("sparklab:foundation:WorkloadIdentity", name, {}, opts);
    this.account = new serviceaccount.Account(
      name,
      { accountId: args.accountId, displayName: args.displayName, description: args.description },
      { parent: this, dependsOn: opts?.dependsOn },
    );
    this.email = this.account.email;
    this.member = pulumi.interpolate`serviceAccount:${this.account.email}`;
    for (const [key, role] of Object.entries(args.projectRoles ?? {})) {
      new projects.IAMMember(
        `${name}-${key}`,
        { project: args.project, role, member: this.member },
        { parent: this, deleteBeforeReplace: true },
      );
    }
    for (const [key, grant] of Object.entries(args.actAs ?? {})) {
      new serviceaccount.IAMMember(
        `${name}-used-by-${key}`,
        { serviceAccountId: this.account.name, ...grant },
        { parent: this, deleteBeforeReplace: true },
      );
    }
    this.registerOutputs({ email: this.email });
  }
}
