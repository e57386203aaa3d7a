/** URNs and aliases. Source: sdk/go/common/resource/urn and pkg/resource/deploy/step_generator.go of github.com/pulumi/pulumi. */

export const STACK_TYPE = "pulumi:pulumi:Stack";

export interface Alias {
  urn?: string;
  name?: string;
  type?: string;
  stack?: string;
  project?: string;
  parent?: string;
  noParent?: boolean;
}

export interface Scope {
  stack: string;
  project: string;
}

/** `urn:pulumi:stack::project::parentType$type::name`; the stack itself is not part of a qualified type. */
export function makeUrn(scope: Scope, type: string, name: string, parent?: string): string {
  const parentType = parent ? qualifiedType(parent) : "";
  const qualified = parentType === "" || parentType === STACK_TYPE ? type : `${parentType}$${type}`;
  return `urn:pulumi:${scope.stack}::${scope.project}::${qualified}::${name}`;
}

const qualifiedType = (urn: string) => urn.split("::")[2] ?? "";
export const typeOf = (urn: string) => qualifiedType(urn).split("$").at(-1) ?? "";
export const nameOf = (urn: string) => urn.split("::").slice(3).join("::");

/** `urn` of a provider reference `urn::id`. */
export const providerUrn = (ref: string) => ref.slice(0, ref.lastIndexOf("::"));

/** `what happened` with the resource that it happened to, unless the message names it already. */
export const naming = (urn: string | undefined, message: string) =>
  urn === undefined || message.includes(urn) ? message : `${typeOf(urn)} ${nameOf(urn)}: ${message}`;

/** URNs under which the resource may have been known: its own aliases, and those that it inherits from its parent's. */
export function aliasUrns(
  scope: Scope,
  resource: { type: string; name: string; parent?: string; aliases?: readonly Alias[] },
  usedAlias: (urn: string) => string | undefined,
): string[] {
  const { type, name, parent, aliases = [] } = resource;
  const own = aliases.map((alias) => collapse(scope, type, name, parent, alias, usedAlias));
  const parentAlias = parent && usedAlias(parent);
  if (!parent || !parentAlias) return [...new Set(own)];
  const inherit = (childType: string, childName: string) => {
    const parentName = nameOf(parent);
    const aliased = childName.startsWith(parentName)
      ? nameOf(parentAlias) + childName.slice(parentName.length)
      : childName;
    return makeUrn(scope, childType, aliased, parentAlias);
  };
  return [...new Set([...own, inherit(type, name), ...own.map((urn) => inherit(typeOf(urn), nameOf(urn)))])];
}

function collapse(
  scope: Scope,
  type: string,
  name: string,
  parent: string | undefined,
  alias: Alias,
  usedAlias: (urn: string) => string | undefined,
): string {
  if (alias.urn) return alias.urn;
  const named = alias.parent ? (usedAlias(alias.parent) ?? alias.parent) : parent;
  const above = alias.noParent ? undefined : named;
  return makeUrn(
    { stack: alias.stack || scope.stack, project: alias.project || scope.project },
    alias.type || type,
    alias.name || name,
    above,
  );
}
