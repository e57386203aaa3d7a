/** People of the lab on the project: the few roles that only a project can carry. */
import * as projects from "@pulumi/gcp/projects";
import * as pulumi from "@pulumi/pulumi";

export interface ProjectMembersArgs {
  project: string;
  /** Grant key to principal. */
  members: Record<string, string>;
  /** Grant key to role; each principal gets each. */
  roles: Record<string, string>;
}

export class ProjectMembers extends pulumi.ComponentResource {
  constructor(name: string, args: ProjectMembersArgs, opts?: pulumi.ComponentResourceOptions) {
    super("sparklab:foundation:ProjectMembers", name, {}, opts);
    for (const [who, member] of Object.entries(args.members)) {
      for (const [key, role] of Object.entries(args.roles)) {
        new projects.IAMMember(
          `${name}-${who}-${key}`,
          { project: args.project, role, member },
          { parent: this, deleteBeforeReplace: true, dependsOn: opts?.dependsOn },
        );
      }
    }
    this.registerOutputs();
  }
}
