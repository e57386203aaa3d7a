/** The Google APIs that the lab's project needs, and the agents that act for them; everything else depends on this component. */
import * as projects from "@pulumi/gcp/projects";
import * as pulumi from "@pulumi/pulumi";

export interface ProjectServicesArgs {
  /** API names without the domain: `dataproc` for dataproc.googleapis.com. */
  services: readonly string[];
  /** Services whose agent must exist before the first grant to it. @default none */
  agents?: readonly string[];
}

/** Enables services and leaves them enabled on destroy, since other work in the project may have come to need them. */
export class ProjectServices extends pulumi.ComponentResource {
  readonly services: Record<string, projects.Service> = {};
  /** IAM member of each agent, by service. */
  readonly agents: Record<string, pulumi.Output<string>> = {};

  constructor(name: string, args: ProjectServicesArgs, opts?: pulumi.ComponentResourceOptions) {
    super("sparklab:foundation:ProjectServices", name, {}, opts);
    for (const service of args.services) {
      this.services[service] = new projects.Service(
        `${name}-${service}`,
        { service: `${service}.googleapis.com`, disableOnDestroy: false },
        { parent: this },
      );
    }
    for (const service of args.agents ?? []) {
      const agent = new projects.ServiceIdentity(
        `${name}-${service}-agent`,
        { service: `${service}.googleapis.com` },
        { parent: this, dependsOn: this.services[service] },
      );
      this.agents[service] = agent.member;
    }
    this.registerOutputs();
  }
}
