#include "engine/selftest_vectors.h"

/* NIST CAVP, DRBG test vectors, CTR_DRBG without reseed: AES-256 with df, no prediction resistance, no
 * personalization string, count 0. */
const struct kw_selftest_drbg kw_selftest_drbg_vector = {
    .entropy = "36401940fa8b1fba91a1661f211d78a0b9389a74e5bccfece8d766af1a6d3b14",
    .nonce = "496f25b0f1301b4f501be30380a137eb",
    .output = "5862eb38bd558dd978a696e6df164782ddd887e7e9a6c9f3f1fbafb78941b535a64912dfd224c6dc7454e525"
              "0b3d97165e16260c2faf1cc7735cb75fb4f07e1d",
};

/* RFC 9500 section 2.1, testRSA2048; the signature by RFC 8017 section 8.2.1, which leaves no choice. The
 * digests of DER here and below were made with pyca/cryptography. */
const struct kw_selftest_rsa kw_selftest_rsa_vector = {
    .n = "b0f9e81943a7ae9892aade17ca7c40f8744fed2f8148e6c8eaa27b7d001548fb5192ab28b56c5060b118ccd1"
         "31e594874c6ca989b56c27296f09fb93a034df32e97c6ff0998cfd8e6f42dda58acd1fa97986f144f3d154d6"
         "7650175e6854b3a952003bc06887b8455ac2b19f7b2f76504ebc98ec945571b07892150ddc6a74ca0fbcd354"
         "97ce81534daf9418844b13aea31f9d5a6b9557bbdf619efd4e887f2d42b8dd8bc987eae1bf89cab85ee21e35"
         "6305df6c07a8838e3ef41c595dcce43dafc49123ef4d8abba93d3905e4028d7ba91484a27596e07b4b6ed992"
         "f077b524d3dcfe7ddd5549be7cce8da035cfa0b3fb8f9e46f732b2a86b460165c08f5313",
    .e = "010001",
    .d = "41188b20cfdbdbc2cf1ffe752dcbaa723906352e2615d49dce80597fcf0a05403bef00fa065182f72decfb59"
         "6f4b0ce8ff5970baf07a89a519ecc816b2f4ffac5069af1b06bfef7bf6bcd79e4e81c8c5a3a7d9130dc3cfba"
         "dae5f6d288f9aee3f6ff92fae0f81af597bec96ae9fab9402cd5fe41f705bebdb47bb736d3fe6c5a51e0e207"
         "32a97b5e46c1cbdb26d74854c6b6604aed463735ff9076046557caf949bf448895c20432c1e09c014ea75660"
         "434f1a0f3be294babc5d530e6a10213f53b60375fc84a7573f2af1215584f5b4bda6d4e8f9e17a78d97e77b8"
         "6da4a1846475318a7a10a561014effa23a81ec56e9e4109def8cb3f797223f7d8d0d4351",
    .p = "dd105702382f232b3681f53791e22617c7bf4e9acb81ed48daf6d6995da3eab642839aff012d2ea628b90af2"
         "79fd3e6f7c93cd80f072f01ff2443b3ee8f24ed469a79613a41bd24020f92fd11059bd1d0f301b5ba7a9d363"
         "7ca8d65c1a9815417d8eab734b0b4f3a2c661d9a1a82f3ac734c40530669ab8e473045a58e65539d",
    .q = "ccf1e5bb90c8e9781ea75bebf10bc252e11eb023a0260f1887552a56863f4a6421e8c600bf523d6cb1b0adbd"
         "d65bfee4a88a037e3d1a415e5bb95648da5a0ca26b54f4a63948522c3d5f89b94a72efff95134d5940ce4575"
         "8f308980908956588eef575b3e4bc4c368cfe813ee9c252c2b02e0df91f1aa01938d38685d60ba6f",
    .dp = "09ed54eaed98f84c557b4a86bf4f578493dcbc6be91da189370404a9087276f4ce51d8a100ed857dc2b06494"
          "74f3f15cd24c54db287110e56e5cb008682f9168aa81f31458b7431ecc1c44906fda87ca894710c371e9076c"
          "1d49fbae51276934f2ad787789f42d0fa0b4c939855d4212096f70280a4eae7c8a27d9c8d0772e65",
    .dq = "8cb6857a7bd5465f80047e9b87bc002731840581e0626139012a5b505f0a33847eb7b8c3289949ad486f3b4b"
          "3d539ab5da763021cbc82c1ba234a5668ded0801b859f343f1ce9304e6faa2b002cad9b78cde5cdc2c1fb417"
          "1c42421670a6ab0f50cc4a194eb36d1c91e935ba01b959d8728b9e64426b3fc3a7506deb5239a8a7",
    .qinv = "0a81d8a618314a803af61c06711f2c39b266ff414d53476d1da52a4318aafe4b96f0da07155f8a5134dab88e"
            "e29e8168076fcd78ca791ac63442a81cd0693927d808e335e8d8cbf2121907509a57759b4f9a18fa3a7b3337"
            "79edde7a459384f8444adaecffec95fd552b0cfcb6c7f692626dde1ef268a40d2f67b5c8aa387ff7",
    .message = "sample",
    .signature = "6074ab4cdfb611a553a025baade65480a1ab18647e12ec28f72c2a97d1b81404161d3a39d15c31839142534f"
                 "3b2feede835468ca99b8f99b0d6afdd1977ac32a81c88a253d5f2e756d0f9628f56ae4852e23003059de8191"
                 "9eb72f85375357339f09e591e09b2ffd1e6b7d61f16c4a6cd10678a80c858a049e42d2897f2adf5874b46127"
                 "7ef340813c9e80f2866a9f1b1e596c168245bbece73e1ce650cf21f3ad436205f1554fc7ee4570cbd3b423de"
                 "48a27bfff89497266b87cdb9c8a784e661ff0fee781188a3d70264dd6f88b24c79c619c495a825dd3d395661"
                 "86b08a21753ac7d3e4a886f7d7c9c7fabaa429445414c228e9792f97d8f16df3d7e9b39d",
    .der =
        {
            .public_sha256 = "8fb6bad671cfe698393c453357da61b56d757ab8c0f3fb9c87f2849e63131878",
            .private_sha256 = "01ef24fa2abb1c7c446ea4e921fa278f822ab3f8828f1c5da8791359b603910e",
        },
};

/* 2^141 - 9, 2^171 - 19, 2^201 - 55: of the lengths of auxiliary primes (FIPS 186-5 Table A.1). */
const struct kw_selftest_prime kw_selftest_prime_vectors[KW_SELFTEST_PRIME_NUM] = {
    {141, "1ffffffffffffffffffffffffffffffffff7"},
    {171, "07ffffffffffffffffffffffffffffffffffffffffed"},
    {201, "01ffffffffffffffffffffffffffffffffffffffffffffffffc9"},
};

/* The keys and signatures on the NIST curves: RFC 6979 A.2.5, A.2.6, A.2.7, each with the hash function of
 * the curve's size. secp256k1: the base point of SEC 2 section 2.4.1 and the signature of RFC 6979's method
 * that implementations of the curve share as a test. */
const struct kw_selftest_ec kw_selftest_ec_vectors[KW_SELFTEST_EC_NUM] = {
    {
        .spec = KW_SPEC_ECC_NIST_P256,
        .scalar = "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721",
        .x = "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6",
        .y = "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299",
        .message = "sample",
        .digest = "SHA256",
        .r = "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716",
        .s = "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8",
        .der =
            {
                .public_sha256 = "5a7a78cca4a0f420d9bc62bb669c3c2759e39f723d3ae10dcbe0f0815a07ecd4",
                .private_sha256 = "3c27788b490ee91593fc30a4121c4411a4ff90f70eb3a2e5840b06e71d5e5e37",
            },
    },
    {
        .spec = KW_SPEC_ECC_NIST_P384,
        .scalar = "6b9d3dad2e1b8c1c05b19875b6659f4de23c3b667bf297ba9aa47740787137d896d5724e4c70a825f872c9ea"
                  "60d2edf5",
        .x = "ec3a4e415b4e19a4568618029f427fa5da9a8bc4ae92e02e06aae5286b300c64def8f0ea9055866064a25451"
             "5480bc13",
        .y = "8015d9b72d7d57244ea8ef9ac0c621896708a59367f9dfb9f54ca84b3f1c9db1288b231c3ae0d4fe7344fd25"
             "33264720",
        .message = "sample",
        .digest = "SHA384",
        .r = "94edbb92a5ecb8aad4736e56c691916b3f88140666ce9fa73d64c4ea95ad133c81a648152e44acf96e36dd1e"
             "80fabe46",
        .s = "99ef4aeb15f178cea1fe40db2603138f130e740a19624526203b6351d0a3a94fa329c145786e679e7b82c71a"
             "38628ac8",
        .der =
            {
                .public_sha256 = "2f95601fa82060b909bfc6b979dbd303d34d34e0afb27ea496beac362f242a4b",
                .private_sha256 = "c522c1e3e783fcfc0ed8fc5eefa639380bda5e2f929bb72a38bd0bd6c0bbc87b",
            },
    },
    {
        .spec = KW_SPEC_ECC_NIST_P521,
        .scalar = "00fad06daa62ba3b25d2fb40133da757205de67f5bb0018fee8c86e1b68c7e75caa896eb32f1f47c70855836"
                  "a6d16fcc1466f6d8fbec67db89ec0c08b0e996b83538",
        .x = "01894550d0785932e00eaa23b694f213f8c3121f86dc97a04e5a7167db4e5bcd371123d46e45db6b5d5370a7"
             "f20fb633155d38ffa16d2bd761dcac474b9a2f5023a4",
        .y = "00493101c962cd4d2fddf782285e64584139c2f91b47f87ff82354d6630f746a28a0db25741b5b34a828008b"
             "22acc23f924faafbd4d33f81ea66956dfeaa2bfdfcf5",
        .message = "sample",
        .digest = "SHA512",
        .r = "00c328fafcbd79dd77850370c46325d987cb525569fb63c5d3bc53950e6d4c5f174e25a1ee9017b5d450606a"
             "dd152b534931d7d4e8455cc91f9b15bf05ec36e377fa",
        .s = "00617cce7cf5064806c467f678d3b4080d6f1cc50af26ca209417308281b68af282623eaa63e5b5c0723d8b8"
             "c37ff0777b1a20f8ccb1dccc43997f1ee0e44da4a67a",
        .der =
            {
                .public_sha256 = "2fb6d46385242ea4ad431f7175e7014eb74a5fc60f65b50ca54cc23c5b08de38",
                .private_sha256 = "db4be81be1823adb3e9f032017ebf98601c696f4ec29ca2ab505ac6a520ad341",
            },
    },
    {
        .spec = KW_SPEC_ECC_SECG_P256K1,
        .scalar = "0000000000000000000000000000000000000000000000000000000000000001",
        .x = "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798",
        .y = "483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8",
        .message = "Satoshi Nakamoto",
        .digest = "SHA256",
        .r = "934b1ea10a4b3c1757e2b0c017d0b6143ce3c9a7e6a4a49860d7a6ab210ee3d8",
        .s = "2442ce9d2b916064108014783e923ec36b49743e2ffa1c4496f01a512aafd9e5",
        .der =
            {
                .public_sha256 = "989d77baf2075b24f8fced962bc205267c65377e09c6631cc1a6364f1df77d4c",
                .private_sha256 = "1f36610a06478ad6206acb33c0b902c683c45c2a03bd6c77be53ef5c1a252d3b",
            },
    },
};

/* RFC 8032 section 7.1, TEST 3. */
const struct kw_selftest_ed25519 kw_selftest_ed25519_vector = {
    .seed = "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
    .public_key = "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
    .message = "af82",
    .signature = "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760"
                 "984dc6594a7c15e9716ed28dc027beceea1ec40a",
    .der =
        {
            .public_sha256 = "8d39ba50abe50f77b6bb8ae7b6927aff7ffbeba35ad2837c0e51e82bcbcc60d5",
            .private_sha256 = "62499daa8abf2f6bbf41ded5f39eefaffca2abe4b3b7fff5c2ad9143f8f66598",
        },
};
