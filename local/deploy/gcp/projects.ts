/** Project services, service identities, project-level roles and members, and the project itself. */
import { DeployError } from "../errors";
import { type Properties, text } from "../values";
import type { Context, Descriptor, FunctionDescriptor, Inputs } from "./descriptor";
import { iamMember } from "./iam";
import type { Shape } from "./shape";

const USAGE = "https://serviceusage.googleapis.com";
const MANAGER = "https://cloudresourcemanager.googleapis.com/v1";
const IAM = "https://iam.googleapis.com/v1";

const project: Shape = { project: { type: "string", rest: false, computed: true, replaces: true } };
const bareProject = (inputs: Inputs) => text(inputs.project).replace(/^projects\//, "");

const service: Descriptor = {
  type: "gcp:projects/service:Service",
  source: "serviceusage.v1 services; google_project_service",
  shape: {
    ...project,
    service: { type: "string", rest: false, required: true, replaces: true },
    disableOnDestroy: { type: "boolean", rest: false, local: true },
    disableDependentServices: { type: "boolean", rest: false, local: true },
    checkIfServiceHasUsageOnDestroy: { type: "boolean", rest: false, local: true },
  },
  outputs: {},
  hasDeletionPolicy: true,
  id: (inputs) => `${bareProject(inputs)}/${text(inputs.service)}`,
  create: async ({ http }, inputs, { timeout }) => {
    await http.wait(
      await http.call({ method: "POST", url: `${serviceUrl(inputs)}:enable`, body: {} }),
      `${USAGE}/v1`,
      timeout,
    );
    return {};
  },
  read: async ({ http }, inputs) => ((await http.find(serviceUrl(inputs)))?.state === "ENABLED" ? {} : undefined),
  update: async () => ({}),
  delete: async ({ http }, inputs, _, { timeout }) => {
    if (inputs.disableOnDestroy !== true) return;
    const checkIfServiceHasUsage = inputs.checkIfServiceHasUsageOnDestroy === true ? "CHECK" : "SKIP";
    const body = { checkIfServiceHasUsage, disableDependentServices: inputs.disableDependentServices === true };
    await http.wait(
      await http.call({ method: "POST", url: `${serviceUrl(inputs)}:disable`, body }),
      `${USAGE}/v1`,
      timeout,
    );
  },
};
const serviceUrl = (inputs: Inputs) => `${USAGE}/v1/projects/${bareProject(inputs)}/services/${text(inputs.service)}`;

const serviceIdentity: Descriptor = {
  type: "gcp:projects/serviceIdentity:ServiceIdentity",
  source: "serviceusage.v1beta1 services.generateServiceIdentity; google_project_service_identity",
  shape: { ...project, service: { type: "string", rest: false, required: true, replaces: true } },
  outputs: {
    email: "email",
    member: ({ email }) => (email ? `serviceAccount:${text(email)}` : undefined),
  },
  id: (inputs) => `projects/${bareProject(inputs)}/services/${text(inputs.service)}`,
  create: async ({ http }, inputs, { timeout }) => {
    const url = `${USAGE}/v1beta1/projects/${bareProject(inputs)}/services/${text(inputs.service)}:generateServiceIdentity`;
    return http.wait(await http.call({ method: "POST", url }), `${USAGE}/v1beta1`, timeout);
  },
  // The service has no way to read or delete an identity: generating it again answers the same one.
  read: async (context, inputs, outputs) => (outputs.email ? outputs : serviceIdentity.create(context, inputs, {})),
  delete: async () => {},
};

const customRole: Descriptor = {
  type: "gcp:projects/iAMCustomRole:IAMCustomRole",
  source: "iam.v1 projects.roles; google_project_iam_custom_role",
  shape: {
    ...project,
    roleId: { type: "string", rest: false, required: true, replaces: true },
    title: { type: "string", required: true },
    description: { type: "string" },
    permissions: { type: "list", rest: "includedPermissions", required: true, set: true },
    stage: { type: "string", default: "GA", allowed: ["ALPHA", "BETA", "GA", "DEPRECATED", "DISABLED", "EAP"] },
  },
  outputs: { name: "name", deleted: ({ deleted }) => deleted === true },
  planned: (inputs) => ({ name: roleName(inputs) }),
  hasDeletionPolicy: true,
  autoName: { property: "roleId", length: 255 },
  id: (inputs) => roleName(inputs),
  create: async ({ http }, inputs) => {
    const found = await http.find(`${IAM}/${roleName(inputs)}`);
    if (found && found.deleted !== true)
      throw new DeployError(
        `${roleName(inputs)}: already exists and is not managed by this stack. Delete it or choose another roleId.`,
      );
    if (!found)
      return http.call({
        method: "POST",
        url: `${IAM}/projects/${bareProject(inputs)}/roles`,
        body: { roleId: inputs.roleId!, role: roleBody(inputs) },
      });
    // A deleted role keeps its id for weeks: it is brought back as it should be now.
    await http.call({ method: "POST", url: `${IAM}/${roleName(inputs)}:undelete`, body: {} });
    return http.call({ method: "PATCH", url: `${IAM}/${roleName(inputs)}`, body: roleBody(inputs) });
  },
  read: async ({ http }, inputs) => {
    const role = await http.find(`${IAM}/${roleName(inputs)}`);
    return role?.deleted === true ? undefined : role;
  },
  update: ({ http }, { news }) => http.call({ method: "PATCH", url: `${IAM}/${roleName(news)}`, body: roleBody(news) }),
  delete: async ({ http }, inputs) => void (await http.remove(`${IAM}/${roleName(inputs)}`)),
};
const roleName = (inputs: Inputs) => `projects/${bareProject(inputs)}/roles/${text(inputs.roleId)}`;
const roleBody = ({ title, description, permissions, stage }: Inputs): Properties => ({
  title: title!,
  includedPermissions: permissions!,
  stage: stage ?? "GA",
  ...(description !== undefined && { description }),
});

const member = iamMember({
  type: "gcp:projects/iAMMember:IAMMember",
  source: "cloudresourcemanager.v1 projects.setIamPolicy; google_project_iam_member",
  shape: { project: { type: "string", rest: false, required: true, replaces: true } },
  resource: bareProject,
  deleteBeforeReplace: true,
  get: ({ http }, inputs) => {
    const body = { options: { requestedPolicyVersion: 3 } };
    return http.call({ method: "POST", url: `${MANAGER}/projects/${bareProject(inputs)}:getIamPolicy`, body });
  },
  set: ({ http }, inputs, policy) => {
    const body = { policy, updateMask: "bindings,etag,auditConfigs" };
    return http.call({ method: "POST", url: `${MANAGER}/projects/${bareProject(inputs)}:setIamPolicy`, body });
  },
});

const getProject: FunctionDescriptor = {
  token: "gcp:organizations/getProject:getProject",
  source: "cloudresourcemanager.v1 projects.get, cloudbilling.v1 projects.getBillingInfo; data source google_project",
  args: ["projectId"],
  invoke: async ({ http, ...context }: Context, args) => {
    const id = text(args.projectId ?? context.project);
    const found = await http.call({ method: "GET", url: `${MANAGER}/projects/${id}` });
    const billing = await http.call({
      method: "GET",
      url: `https://cloudbilling.googleapis.com/v1/projects/${id}/billingInfo`,
    });
    const parent = (found.parent ?? {}) as Properties;
    const labels = (found.labels ?? {}) as Properties;
    return {
      id: `projects/${id}`,
      projectId: id,
      name: found.name ?? "",
      number: text(found.projectNumber),
      billingAccount: text(billing.billingAccountName ?? "").replace("billingAccounts/", ""),
      orgId: parent.type === "organization" ? text(parent.id) : "",
      folderId: parent.type === "folder" ? text(parent.id) : "",
      labels,
      effectiveLabels: labels,
      pulumiLabels: labels,
      autoCreateNetwork: true,
      deletionPolicy: "PREVENT",
      tags: {},
    };
  },
};

export const PROJECTS: readonly Descriptor[] = [service, serviceIdentity, customRole, member];
export const FUNCTIONS: readonly FunctionDescriptor[] = [getProject];
