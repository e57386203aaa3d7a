/** Service accounts and who may use them. */
import { isUnknown, type Properties, text } from "../values";
import type { Descriptor, Inputs } from "./descriptor";
import { absent, GoogleError } from "./http";
import { iamMember, type Policy } from "./iam";

const IAM = "https://iam.googleapis.com/v1";

const account: Descriptor = {
  type: "gcp:serviceaccount/account:Account",
  source: "iam.v1 projects.serviceAccounts; google_service_account",
  shape: {
    project: { type: "string", rest: false, computed: true, replaces: true },
    accountId: { type: "string", rest: false, required: true, replaces: true },
    displayName: { type: "string" },
    description: { type: "string" },
    disabled: { type: "boolean", default: false },
    createIgnoreAlreadyExists: { type: "boolean", rest: false, local: true },
  },
  outputs: {
    email: "email",
    name: "name",
    uniqueId: "uniqueId",
    member: ({ email }) => `serviceAccount:${text(email)}`,
  },
  planned: (inputs) => ({ email: email(inputs), member: `serviceAccount:${email(inputs)}`, name: name(inputs) }),
  hasDeletionPolicy: true,
  autoName: { property: "accountId", length: 30 },
  id: name,
  check: ({ accountId }) =>
    typeof accountId !== "string" || isUnknown(accountId) || /^[a-z]([-a-z0-9]{4,28}[a-z0-9])$/.test(accountId)
      ? []
      : [
          {
            property: "accountId",
            reason: `got "${accountId}"; expected 6 to 30 lower-case letters, digits and hyphens, beginning with a letter`,
          },
        ],
  create: async ({ http }, inputs) => {
    const { displayName, description } = inputs;
    const serviceAccount: Properties = { ...(displayName && { displayName }), ...(description && { description }) };
    const url = `${IAM}/projects/${inputs.project}/serviceAccounts`;
    const made = await http
      .call({ method: "POST", url, body: { accountId: inputs.accountId!, serviceAccount } })
      .catch(async (error: unknown) => {
        const isThere = error instanceof GoogleError && error.code === 409 && inputs.createIgnoreAlreadyExists === true;
        const found = isThere ? await http.find(`${IAM}/${name(inputs)}`) : undefined;
        if (!found) throw error;
        return found;
      });
    if (inputs.disabled === true) await http.call({ method: "POST", url: `${IAM}/${name(inputs)}:disable`, body: {} });
    return made;
  },
  read: ({ http }, inputs) => http.find(`${IAM}/${name(inputs)}`),
  update: async ({ http }, { news, changes }) => {
    const paths = changes.map(({ path }) => path);
    if (paths.includes("disabled"))
      await http.call({
        method: "POST",
        url: `${IAM}/${name(news)}:${news.disabled === true ? "disable" : "enable"}`,
        body: {},
      });
    const masked = { displayName: "display_name", description: "description" } as const;
    const fields = (["displayName", "description"] as const).filter((field) => paths.includes(field));
    const current = await http.call({ method: "GET", url: `${IAM}/${name(news)}` });
    if (fields.length === 0) return current;
    const serviceAccount: Properties = Object.fromEntries(fields.map((field) => [field, news[field] ?? ""]));
    const body = {
      serviceAccount: { ...serviceAccount, etag: current.etag ?? "" },
      updateMask: fields.map((field) => masked[field]).join(","),
    };
    return { ...current, ...(await http.call({ method: "PATCH", url: `${IAM}/${name(news)}`, body })) };
  },
  delete: async ({ http }, inputs) => void (await http.remove(`${IAM}/${name(inputs)}`)),
};

function email(inputs: Inputs): string {
  // A project id with a domain is written the other way round. Source: google_service_account's custom diff.
  const [id, domain] = inputs.project.split(":").reverse();
  return `${text(inputs.accountId)}@${id}${domain ? `.${domain}` : ""}.iam.gserviceaccount.com`;
}

function name(inputs: Inputs): string {
  return `projects/${inputs.project}/serviceAccounts/${email(inputs)}`;
}

const member = iamMember({
  type: "gcp:serviceaccount/iAMMember:IAMMember",
  source: "iam.v1 projects.serviceAccounts.setIamPolicy; google_service_account_iam_member",
  shape: { serviceAccountId: { type: "string", rest: false, required: true, replaces: true } },
  resource: (inputs) => text(inputs.serviceAccountId),
  get: async ({ http }, inputs) => {
    const query = { "options.requestedPolicyVersion": "3" };
    const url = `${IAM}/${text(inputs.serviceAccountId)}:getIamPolicy`;
    const policy: Policy | undefined = await http.call({ method: "POST", url, query }).catch(absent);
    return policy;
  },
  set: ({ http }, inputs, policy) =>
    http.call({ method: "POST", url: `${IAM}/${text(inputs.serviceAccountId)}:setIamPolicy`, body: { policy } }),
});

export const SERVICE_ACCOUNT: readonly Descriptor[] = [account, member];
