"""Refusals in full: (rule, question, text)."""

from authz_world import ALICE, EVERYTHING, FRED, KEY, OURS, READER, allow, ask, deny, policy

MESSAGES = "IAM guide, Troubleshooting access denied error messages: "
DECRYPT = policy(allow("kms:Decrypt"))

ROWS = [
    (MESSAGES + "identity-based policies, implicit", ask(action="kms:GenerateDataKeyPairWithoutPlaintext"),
        "User: arn:aws:iam::111122223333:user/alice is not authorized to perform: kms:GenerateDataKeyPairWithoutPlaintext on resource: "
        "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab because no identity-based policy allows the "
        "kms:GenerateDataKeyPairWithoutPlaintext action"),
    (MESSAGES + "identity-based policies, without a key", ask(action="kms:CreateKey", resource="*", key_policy=None),
        "User: arn:aws:iam::111122223333:user/alice is not authorized to perform: kms:CreateKey on resource: * because no identity-based "
        "policy allows the kms:CreateKey action"),
    (MESSAGES + "resource-based policies, implicit", ask(key_policy=policy(allow(principal=FRED["arn"]))),
        "User: arn:aws:iam::111122223333:user/alice is not authorized to perform: kms:Encrypt on resource: "
        "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab because no resource-based policy allows the kms:Encrypt action"),
    (MESSAGES + "session policies, implicit", ask(caller=READER, identity=[EVERYTHING], session=DECRYPT),
        "User: arn:aws:sts::111122223333:assumed-role/Reader/run1 is not authorized to perform: kms:Encrypt on resource: "
        "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab because no session policy allows the kms:Encrypt action"),
    (MESSAGES + "resource-based policies, explicit", ask(key_policy=policy(allow(principal=OURS), deny("kms:Enc*", principal="*"))),
        "User: arn:aws:iam::111122223333:user/alice is not authorized to perform: kms:Encrypt on resource: "
        "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab with an explicit deny in a resource-based policy"),
    (MESSAGES + "identity-based policies, explicit", ask(identity=[policy(allow(), deny("kms:Enc*"))]),
        "User: arn:aws:iam::111122223333:user/alice is not authorized to perform: kms:Encrypt on resource: "
        "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab with an explicit deny in an identity-based policy"),
    (MESSAGES + "session policies, explicit", ask(caller=READER, identity=[EVERYTHING], session=policy(allow(), deny("kms:Enc*"))),
        "User: arn:aws:sts::111122223333:assumed-role/Reader/run1 is not authorized to perform: kms:Encrypt on resource: "
        "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab with an explicit deny in a session policy"),
    (MESSAGES + "another account's resource", ask(caller=FRED, identity=[EVERYTHING]),
        "User: arn:aws:iam::444455556666:user/fred is not authorized to perform: kms:Encrypt on this resource because the resource does not "
        "exist in this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access"),
    (MESSAGES + "another account's resource, explicitly denied",
        ask(caller=FRED, identity=[EVERYTHING], key_policy=policy(allow(principal="*"), deny(principal=FRED["arn"]))),
        "User: arn:aws:iam::444455556666:user/fred is not authorized to perform: kms:Encrypt on this resource because the resource does not "
        "exist in this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access"),
    (MESSAGES + "another account's resource, which is shared", ask(caller=FRED, key_policy=policy(allow(principal=FRED["arn"], resource=KEY))),
        "User: arn:aws:iam::444455556666:user/fred is not authorized to perform: kms:Encrypt on resource: "
        "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab because no identity-based policy allows the kms:Encrypt action"),
    (MESSAGES + "grants do not change the text", ask(key_policy=policy(allow(principal=FRED["arn"])), grants=[{"id": 1, "grantee": ALICE["arn"],
        "operations": ["Decrypt"]}], context={}),
        "User: arn:aws:iam::111122223333:user/alice is not authorized to perform: kms:Encrypt on resource: "
        "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab because no resource-based policy allows the kms:Encrypt action"),
]
