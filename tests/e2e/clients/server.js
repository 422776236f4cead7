// Where the server under test is, and a client for it; from the environment that test_node.py sets.
"use strict";

const { KMSClient } = require("@aws-sdk/client-kms");

const endpoint = process.env.KEYWELL_URL;
const credentials = {
    accessKeyId: process.env.AWS_ACCESS_KEY_ID,
    secretAccessKey: process.env.AWS_SECRET_ACCESS_KEY,
};

function client(region = "us-east-1") {
    return new KMSClient({ endpoint, credentials, region, maxAttempts: 1 });
}

module.exports = { client, credentials, endpoint };
