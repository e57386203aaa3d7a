/** Every method that this cloud serves says what it asks of who calls it. */
import { expect, test } from "@jest/globals";
import { readTools } from "../../engines/tools";
import { openContract } from "../contract/contract";
import { genericBehaviour } from "../engine/engine";
import { services } from ".";
import { ACCESS, accessOf } from "./access";
import { PREDEFINED_ROLES } from "./iam-roles";

const types = services.flatMap((service) => service.types);
const contract = openContract(
  readTools().descriptions,
  services.flatMap(({ apis }) => [...apis]),
);
const served = services.flatMap((service) =>
  service.apis.flatMap((api) =>
    contract
      .description(api)
      .methods.filter((method) => Object.hasOwn(service.methods, method.id) || genericBehaviour(method, service, types))
      .map(({ id }) => id),
  ),
);

test("every served method has a row in a table of permissions", () => {
  expect([...new Set(served.filter((id) => !accessOf(id)))]).toEqual([]);
});

test("the owner has every permission that a method asks for", () => {
  const asked = new Set(served.flatMap((id) => accessOf(id)?.permissions ?? []));
  const owner = PREDEFINED_ROLES.get("roles/owner")!;
  expect([...asked].filter((permission) => !owner.includes(permission))).toEqual([]);
  expect(asked.size).toBeGreaterThan(100);
});

test("every table names its source", () => {
  for (const { source } of Object.values(ACCESS)) expect(source).toMatch(/^https:\/\/cloud\.google\.com\//);
});
