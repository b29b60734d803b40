// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

/// @title The field F = GF(2^64 - 2^32 + 1) and how its elements are packed into words
/// @dev A packed word holds four elements of 8 bytes, big-endian, the first one in the most significant bytes:
/// `abi.encodePacked(a, b, c, d)` of four `uint64`.
library Goldilocks {
    /// @dev Order of the field.
    uint256 internal constant P = 0xffffffff00000001;

    /// @notice Element `i` (0 to 3) of a packed word.
    function element(bytes32 packed, uint256 i) internal pure returns (uint256) {
        return (uint256(packed) >> (192 - 64 * i)) & type(uint64).max;
    }

    /// @notice Whether all four elements of a packed word are below the order.
    function isCanonical(bytes32 packed) internal pure returns (bool) {
        return
            element(packed, 0) < P && element(packed, 1) < P && element(packed, 2) < P
                && element(packed, 3) < P;
    }

    /// @notice The limbs of 6, 7 and 7 bytes in which the ledger holds an L1 address.
    function addressLimbs(address account) internal pure returns (uint256, uint256, uint256) {
        uint256 a = uint160(account);
        return (a >> 112, (a >> 56) & type(uint56).max, a & type(uint56).max);
    }

    /// @notice Two elements from the first 16 bytes of a hash, each reduced: a point of the quadratic extension.
    /// @return x0 first coordinate
    /// @return x1 second coordinate
    function pointFromHash(bytes32 hash) internal pure returns (uint256 x0, uint256 x1) {
        x0 = element(hash, 0) % P;
        x1 = element(hash, 1) % P;
    }
}

/// @title Poseidon over Goldilocks, width 12, as the protocol hashes rows (docs/protocol.md, section 1)
/// @notice About 80,000 gas a permutation.
/// @dev The state is four words of three lanes of 80 bits: word j holds the elements j, j + 4 and j + 8, the first one in the
/// lowest bits. The matrix is circulant with coefficients below 2^6 but for one entry, so that products with a word are
/// three products at once; lanes stay below 2^75. Between rounds a lane is any number below 2^65 that is congruent to the element.
library Poseidon {
    uint256 private constant LANE = (1 << 80) - 1;

    /// @notice H(tag, data) of the protocol's sponge, where `element(i)` gives the elements: see {absorb}.
    /// @dev The state before anything is absorbed: tag and number of elements in the capacity.
    function start(uint256 tag, uint256 count) internal pure returns (uint256[4] memory state) {
        state[0] = tag << 160;
        state[1] = count << 160;
    }

    /// @notice Overwrites the rate with eight elements below 2^64 and permutes.
    function absorb(uint256[4] memory state, uint256[8] memory block_) internal pure {
        for (uint256 j = 0; j < 4; j++) {
            state[j] = (state[j] >> 160 << 160) | (block_[j + 4] << 80) | block_[j];
        }
        permute(state);
    }

    /// @notice The first four elements, canonical, packed into a word.
    function digest(uint256[4] memory state) internal pure returns (bytes32) {
        uint256 p = 0xffffffff00000001;
        uint256 word = 0;
        for (uint256 j = 0; j < 4; j++) {
            word = (word << 64) | ((state[j] & LANE) % p);
        }
        return bytes32(word);
    }

    /// @notice Hash of an inner node: the first elements of the permutation of left ++ right ++ [tag, 0, 0, 0].
    function node(uint256 tag, bytes32 left, bytes32 right) internal pure returns (bytes32) {
        uint256[4] memory state;
        for (uint256 j = 0; j < 4; j++) {
            uint256 shift = 192 - 64 * j;
            uint256 l = (uint256(left) >> shift) & type(uint64).max;
            uint256 r = (uint256(right) >> shift) & type(uint64).max;
            state[j] = (r << 80) | l;
        }
        state[0] |= tag << 160;
        permute(state);
        return digest(state);
    }

    /// @notice The permutation: four full rounds, 22 partial ones, four full ones.
    function permute(uint256[4] memory state) internal pure {
        bytes memory constants = _constants();
        assembly ("memory-safe") {
            function rotate(x) -> y {
                y := or(shr(80, x), shl(160, and(x, 0xffffffffffffffffffff)))
            }
            function power(x) -> y {
                let p := 0xffffffff00000001
                x := mod(x, p)
                let x2 := mulmod(x, x, p)
                y := mulmod(mulmod(x2, x, p), mulmod(x2, x2, p), p)
            }
            function powers(x) -> y {
                let lane := 0xffffffffffffffffffff
                y := power(and(x, lane))
                y := or(y, shl(80, power(and(shr(80, x), lane))))
                y := or(y, shl(160, power(shr(160, x))))
            }
            // Lanes below 2^75 become ones below 2^64 + 2^44: 2^64 = 2^32 - 1.
            function fold(x) -> y {
                y := and(x, 0xffffffffffffffff0000ffffffffffffffff0000ffffffffffffffff)
                x := and(shr(64, x), 0xffff0000000000000000ffff0000000000000000ffff)
                y := add(y, mul(x, 0xffffffff))
            }
            let w0 := mload(state)
            let w1 := mload(add(state, 0x20))
            let w2 := mload(add(state, 0x40))
            let w3 := mload(add(state, 0x60))
            let at := add(constants, 0x20)
            for { let round := 0 } lt(round, 30) { round := add(round, 1) } {
                w0 := add(w0, mload(at))
                w1 := add(w1, mload(add(at, 0x20)))
                w2 := add(w2, mload(add(at, 0x40)))
                w3 := add(w3, mload(add(at, 0x60)))
                at := add(at, 0x80)
                switch lt(sub(round, 4), 22)
                case 1 {
                    let rest := and(w0, not(0xffffffffffffffffffff))
                    w0 := or(rest, power(and(w0, 0xffffffffffffffffffff)))
                }
                default {
                    w0 := powers(w0)
                    w1 := powers(w1)
                    w2 := powers(w2)
                    w3 := powers(w3)
                }
                // The one entry besides the circulant's: 8 on the diagonal's first place.
                let n0 := shl(3, and(w0, 0xffffffffffffffffffff))
                let n1 := 0
                let n2 := 0
                let n3 := 0
                let a
                a := w0
                n0 := add(n0, mul(17, a))
                n1 := add(n1, mul(20, a))
                n2 := add(n2, mul(34, a))
                n3 := add(n3, mul(18, a))
                a := rotate(a)
                n0 := add(n0, mul(2, a))
                n1 := add(n1, mul(16, a))
                n2 := add(n2, mul(41, a))
                n3 := add(n3, mul(15, a))
                a := rotate(a)
                n0 := add(n0, mul(39, a))
                n1 := add(n1, mul(13, a))
                n2 := add(n2, mul(13, a))
                n3 := add(n3, mul(28, a))
                a := w1
                n0 := add(n0, mul(15, a))
                n1 := add(n1, mul(17, a))
                n2 := add(n2, mul(20, a))
                n3 := add(n3, mul(34, a))
                a := rotate(a)
                n0 := add(n0, mul(28, a))
                n1 := add(n1, mul(2, a))
                n2 := add(n2, mul(16, a))
                n3 := add(n3, mul(41, a))
                a := rotate(a)
                n0 := add(n0, mul(18, a))
                n1 := add(n1, mul(39, a))
                n2 := add(n2, mul(13, a))
                n3 := add(n3, mul(13, a))
                a := w2
                n0 := add(n0, mul(41, a))
                n1 := add(n1, mul(15, a))
                n2 := add(n2, mul(17, a))
                n3 := add(n3, mul(20, a))
                a := rotate(a)
                n0 := add(n0, mul(13, a))
                n1 := add(n1, mul(28, a))
                n2 := add(n2, mul(2, a))
                n3 := add(n3, mul(16, a))
                a := rotate(a)
                n0 := add(n0, mul(34, a))
                n1 := add(n1, mul(18, a))
                n2 := add(n2, mul(39, a))
                n3 := add(n3, mul(13, a))
                a := w3
                n0 := add(n0, mul(16, a))
                n1 := add(n1, mul(41, a))
                n2 := add(n2, mul(15, a))
                n3 := add(n3, mul(17, a))
                a := rotate(a)
                n0 := add(n0, mul(13, a))
                n1 := add(n1, mul(13, a))
                n2 := add(n2, mul(28, a))
                n3 := add(n3, mul(2, a))
                a := rotate(a)
                n0 := add(n0, mul(20, a))
                n1 := add(n1, mul(34, a))
                n2 := add(n2, mul(18, a))
                n3 := add(n3, mul(39, a))
                w0 := fold(n0)
                w1 := fold(n1)
                w2 := fold(n2)
                w3 := fold(n3)
            }
            mstore(state, w0)
            mstore(add(state, 0x20), w1)
            mstore(add(state, 0x40), w2)
            mstore(add(state, 0x60), w3)
            // The constants are no longer needed; nothing was allocated behind them.
            mstore(0x40, constants)
        }
    }

    /// @dev The constants of each round, four words in the form of the state.
    function _constants() private pure returns (bytes memory) {
        return hex"00000000cdc4a239b0c444260000e10d666650f4e0120000b585f766f2144405"
            hex"00000000277fa208bf337bff00008cae14cb07d09bf100007746a55f43921ad7"
            hex"00000000e17653a29da578a10000d438539c95f63e9f0000b2fb0d31cee799b4"
            hex"00000000c54302f225db2c760000ef781c7ce35b4c3d00000f6760a4803427d7"
            hex"00000000d5c7718fbfc647fb0000308bbd23dc5416cc000086287821f722c881"
            hex"00000000c35eae071903ff0b00006e4a40c18f30c09c000059cd1a8a41c18e55"
            hex"00000000849c2656969c4be700009a2eedb70d8f8cfa0000c3b919ad495dc574"
            hex"00000000c0572c8c08cbbbad0000e360c6e0ae486f380000a484c4c5ef6a0781"
            hex"0000000066bbd30e6ce0e5830000ad6805e0e30b2c8a0000e9fa634a21de0082"
            hex"000000000da2abef589d644e0000ac51d9f5fcf8535e0000f56f6d48959a600d"
            hex"00000000f061274fdb150d610000502ad7dc18c2ad870000f7d713e806391165"
            hex"0000000028b8ec3ae9c29633000057a1550c110b304100008297132b32825daf"
            hex"00000000e8be3e5da8043e5700007cf416cfe7e14ca1000092a756e67e2b9413"
            hex"00000000f5c0bc1de6da8699000061df517b86a46439000070e741ebfee96586"
            hex"0000000040b12cbf09ef74bf000085dc499b11d77b750000019d5ee2af82ec1c"
            hex"00000000a637093ecb2ad63100004b959b48b9c1073300006f6f2ed772466352"
            hex"00000000a9ceb74fec02474700005b0431345d4dea8300003cc3f892184df408"
            hex"0000000027f8ec88bb21b1a30000a2de45780344d6a100002e479dc157bf31bb"
            hex"00000000fceb4fda1ded089300007103aaf94a7bf30800006f49de07a6234346"
            hex"00000000fac6ff1346a4167500005326fc0d972793010000213ce7bede378d7b"
            hex"00000000e7ea5e33e75fffb60000645cf794b8f1cc5800007131aa45268d7d8c"
            hex"0000000090dee49fc9bfc23a0000241c70ed0af6161700009351036095630f9f"
            hex"00000000d1b1edf76bc09c920000acb8e076647905f10000ad535b24afc26bfb"
            hex"000000000b65481ba645c60200003737e9db4c4f474d00004627f5c6993e44be"
            hex"000000000ade699c5830f310000069a5ed92a72ee4ff000099ad1aab0814283b"
            hex"000000007cc5583b10415f2100005e7b329c1ed4ad710000438a7c91d416ca4d"
            hex"0000000085df9ed2e166d64f00005fc0ac08001448850000b60de3bcc5ea751c"
            hex"000000006604df4fee32bcb1000032db829239774eca0000c99cab6aef6f58bc"
            hex"000000000b508cdeffa5ceef00006704e8ee8f18d5630000eb84f608da56ef48"
            hex"00000000f2417089e4fb3cbd0000cee3e9ac1e0721190000da608834c40e603d"
            hex"0000000060e75c2890d157300000510d0e65e2b470c100008f97fe408061f183"
            hex"00000000a6217d8bf660f29c0000f6323f486b9038f00000a93f485c96f37b89"
            hex"00000000cb5fd54e7933e4770000780f2243ea071d0600007159cd30c3ac118e"
            hex"00000000acb8417879fd449f0000eb915845f3de16340000839b4e8fafead540"
            hex"000000009c22190be7f747320000d19e120d26b6f38600000d3f3e5e82920adc"
            hex"000000005d693c1ba3ba36210000016ee53a7e5fecc600008f7d83bddee7bba8"
            hex"00000000635b337ee819dab500008c25fda3b503038c0000dcef0797c2b69ec7"
            hex"000000009f9a036ed4f2d49f00002cbaed4daec8c07c00003d639263da827b13"
            hex"00000000b93e260cae5c170e00005f58e6afcdd6ddc20000e273fd971bc8d0e7"
            hex"00000000b0a7eae879ddb76d0000284650ac5e1b0eba0000418f02702d227ed5"
            hex"0000000014a726661551e28400005a27b9002de334540000d0762cbc8ca6570c"
            hex"0000000098b7672f9ef3b4190000b1a5b165b6d2b2d2000034c6efb812b04bf5"
            hex"00000000bb93ae776bb30e3a00008722e0ace9d1be22000040bf0ab5fa14c112"
            hex"0000000028fd3b046380f8500000788ee3b37e5680fb0000b6b570fc7c5740d3"
            hex"000000002972a92ba450bed80000c1e434bedeefd767000030a4680593258387"
            hex"0000000020216dd77be493de00000299351a53b8ec220000337dc00c61bd9ce1"
            hex"00000000adffe8cf28449ec60000b2d456e4ad251b800000d5eca244c7a4ff1d"
            hex"000000001c4dbb1c4c27d24300003e9ed1fda49cea0b00007762638264d279bd"
            hex"00000000ea35bc29692af6f80000f1c36ce86ecec269000015a16a8a8322d458"
            hex"0000000018e21b4beabb4137000027181125183970c90000388a128b7fd9a609"
            hex"000000001e3b9fc625b554f40000e584029370dca96d00002300e5d6baedf0fb"
            hex"0000000025d64362697828fd00004d9bbc3e02f1cfb200002f63aa8647e15104"
            hex"000000005e50c27535b88c660000d793862c112b056600005a3f1bb1c53a9645"
            hex"0000000010383f20a4ff9a870000aadd1106730d8feb0000db7f023869fb8d38"
            hex"0000000038e8ee9d71a45af80000c43b6e0e97b0d5680000b462065911d4e1fc"
            hex"00000000dd5118375bf1a9b90000e29024c18ee6fca2000049c24ae4437d8030"
            hex"00000000a3b83250268ea4d700001bbcd90f132c603f0000775005982d74d7f7"
            hex"00000000516306f4927c93af00000cd1dabd964db557000086ab99b4dde6c8b0"
            hex"00000000ddb4ac49c9efa1da000011a3ae5beb9d1ec90000b1204f603f51c080"
            hex"0000000064bb6dec369d44180000f755bfeea585d11d0000ef61ac8470250ecf"
            hex"000000005636cac9f16dfed00000e4c5dd8255dfc6220000f9cc95c22b4c1fcc"
            hex"00000000dd8f909a938e01720000e7ad7756f193198e000008d37f755f4ae9f6"
            hex"00000000c6401fe115063f5b000092c2318b87fff9cb0000eec49b613478675b"
            hex"000000008ad97b33f1ac14550000739c25f8fd73596d0000f143933aed25e0b0"
            hex"00000000775b9feafdcd26e70000139542347424b9ac00000c49366bb25e8513"
            hex"00000000304265a6384f0f2d00009cb0bd5ea1a1115e00000784d3d2f1698309"
            hex"00000000593664c39773012c000002e3f615c38f49a10000530fb67ea1809a81"
            hex"000000004f0a2e5fb028f2ce0000985d4f4a9c5291ef0000410492299bb01f49"
            hex"00000000549f80ce550c4fd300007d3a455d56b702380000dd611f1000c17442"
            hex"000000000f73b2922f38bd640000660d32e1301826840000d8185f9adfea4fd0"
            hex"0000000016bf1f73fb7a9c3f0000297a863f48cd1f430000ef87139ca9a3ab1e"
            hex"000000006d1f5a59005bec17000090e0a736a751ebb700003ba71336c34ee133"
            hex"00000000b9a8c9b3aee52297000023eb8cc9b372442f000002ff876fa5ef97c4"
            hex"00000000c0d28a5c10960bd30000d687ba55c64f63640000c5cb72a2a51159b0"
            hex"0000000045d7ac9b68f71a340000da8d9e90fd8ff15800008470f39d2d5c900e"
            hex"00000000eeb76e397069e8040000e3cbdc7d2fe45ea7000025abb3f1d39fcb76"
            hex"0000000077bdaeda586257a700007ae6849fbc3a0ec600003d06c8bd1514e2d9"
            hex"00000000f19e400a5104d20d00003bb340eba06afe7e00009c9c98207cb10767"
            hex"00000000c368a348e46d950f0000b46e9d8b682ea65e000065700b51aedfb5ef"
            hex"000000009ef1cd60e679f28400008dcf22f9a3b343560000911f451539869408"
            hex"00000000ba6745385893c78400005fa3f06f4fed3b520000e89cd854d5d01d33"
            hex"00000000541d496344d2c75b00008df57ac11bc0483100005cd377dc8bb882a2"
            hex"00000000e909678474e687fe00002db01efa1e1e18970000a7b0fb7883eee860"
            hex"00000000dfe89923f6c9c2ff000054846de4aadb9ca200007684403ec392950d"
            hex"00000000f7856ef7f9173e440000f97d750e3dd945210000ece5a71e0cfedc75"
            hex"000000002265fc92feb0dc0900005080d4c2b86f56d700005ff98fd5d51fe610"
            hex"0000000017dfc8e4f7ba8a570000a7de115b56c78d70000083e8941918964615"
            hex"000000009001a64209f21db800006a9242ac8753819400005922040b47f150c1"
            hex"0000000031d191cd5c1466c700000541a4f9cfbeed35000090004c1371b893c5"
            hex"00000000410fefafa319ac9d00009e61106178bfc5300000b932b7cf752e5545"
            hex"00000000bdf8f242e316c4ab0000b3767e80935d8af20000a0b1df81b6fe59fc"
            hex"000000009e8cd55b57637ed000000098d5782065af0600008ef1dd26770af2c2"
            hex"00000000d341d037e840cf8300006d1a7918c80df5180000de122bebe9a39368"
            hex"00000000387cb5d25af4afcc0000df9a4939342308e900004d001fd58f002526"
            hex"00000000bba2515f22909e870000ebc2151ee6c8398c0000ca6637000eb4a9f8"
            hex"000000007248fe7705f38e47000003cc2ba8a111651500002f2339d624f91f78"
            hex"0000000041703f53753be59f000082b27eb33514ef9900004d61e56a525d225a"
            hex"000000005eeea940fcde8b6f0000d30094ca96b7ce7b0000262e963c8da05d3d"
            hex"000000004cd1f1b1751002060000cf5cb381cd0a1535000059e89b094d220ec2"
            hex"000000004a20358574454ec00000feed4db6919e5a7c0000055d5b52b78b9c5e"
            hex"0000000020057d2a0056521b00007acfd96efa95491d00001478d361dbbf9fac"
            hex"000000003dea5bd5d0578bd700006798ba0c0abb2c6d00006f02dc07d141875c"
            hex"0000000016e50d897d4634ac000034c6f57b26c921220000296a202ed8e556a2"
            hex"0000000029bff3ecb9b7a6e300005736e1bad206b5de00002afd67999bf32ee5"
            hex"000000001ff7327017aa2a6e0000e4a3dff1d7d6fef90000475cd3205a3bdcde"
            hex"00000000594e29c42473d06b000001a8d1a588085737000018a42105c31b7e88"
            hex"00000000f6f31db1899b12d5000011b4c74eda62beef0000023e7414af663068"
            hex"00000000c02ac5e47312d3ca0000e587cc0d69a73346000015147108121967d7"
            hex"000000009e9cbd781628fc5b00001c86d265f15750cd0000e70201e960cb78b8"
            hex"00000000dae8645996edd6a500003996ce73dd832c1c00006f90ff3b6a65f108"
            hex"00000000debe0853b1a1d37800008e7fba02983224bd000042747a7245e7fa84"
            hex"00000000a49229d24d0143430000ba0dec7103255dd40000d1f507e43ab749b2"
            hex"0000000080cefd2b7d99ff830000166fc0cc438a3c7200007be5b9ffda905e1c"
            hex"00000000bb9879c6e61fd62a00003762b59a8ae83efa0000a3c95eaec244aa30"
            hex"000000006e7c8f1a842650340000e8928a4c8911475000000230bca8f4df0544"
            hex"00000000164bb2de1bbeddc800002a440b51a4945ee500004135c2bebfe148c6"
            hex"000000004543d9df5476d3cb0000aaed34074b1643460000f3c12fe54d5c653b"
            hex"00000000f172d73e004fc90d00008ffd96bbf9c9c81d000040b9e922ed9771e2"
            hex"00000000dfd1c4febcc81238000070fc91eb5937085c0000551f5b0fbe7b1840"
            hex"00000000bc8dfb627fe558fc00007f795e2a5f915440000025032aa7c4cb1811";
    }
}

/// @title Roots over the rows of a tensor of 8-bit cells (docs/jobs.md, section 2)
/// @notice For contracts that hold cells and not only roots. A row of n cells takes a permutation for every 56 cells, a tree
/// one for each of its nodes above a row.
library Rows {
    /// @dev "JROW" and "JNODERW".
    uint256 private constant ROW = 0x4a524f57;
    uint256 private constant NODE_ROW = 0x4a4e4f44455257;
    uint256 private constant CELLS_PER_ELEMENT = 7;
    uint256 private constant RATE = 8;
    /// @dev Code of the type int8; uint8 is 2.
    uint256 private constant I8 = 1;

    /// @dev The cells are no rows of `columns` cells, none at all, or more rows than a tree of this depth has.
    error NotRows(uint256 cells, uint256 columns, uint256 depth);

    /// @notice Root over the rows of a tensor.
    /// @param cells all cells, row after row, a byte each; int8 in two's complement
    /// @param columns cells of a row
    /// @param dtype 1 for int8, 2 for uint8
    /// @param depth depth of the tree
    function root(bytes calldata cells, uint256 columns, uint256 dtype, uint256 depth)
        internal
        pure
        returns (bytes32)
    {
        uint256 rows = columns == 0 ? 0 : cells.length / columns;
        if (rows == 0 || cells.length != rows * columns || rows > 2 ** depth) {
            revert NotRows(cells.length, columns, depth);
        }
        bytes32[] memory level = new bytes32[](rows);
        for (uint256 i = 0; i < rows; i++) {
            level[i] = digest(cells[i * columns:(i + 1) * columns], dtype);
        }
        // A node without rows below it, of the level at hand.
        bytes32 empty = 0;
        for (uint256 height = 0; height < depth; height++) {
            uint256 parents = (rows + 1) / 2;
            for (uint256 i = 0; i < parents; i++) {
                bytes32 right = 2 * i + 1 < rows ? level[2 * i + 1] : empty;
                level[i] = Poseidon.node(NODE_ROW, level[2 * i], right);
            }
            rows = parents;
            if (height + 1 < depth) empty = Poseidon.node(NODE_ROW, empty, empty);
        }
        return level[0];
    }

    /// @notice H(ROW, [cells * 256 + type] ++ cells as distances from the smallest value, seven to an element).
    function digest(bytes calldata row, uint256 dtype) internal pure returns (bytes32) {
        uint256 elements = 1 + (row.length + CELLS_PER_ELEMENT - 1) / CELLS_PER_ELEMENT;
        uint256[4] memory state = Poseidon.start(ROW, elements);
        uint256[8] memory block_;
        for (uint256 first = 0; first < elements; first += RATE) {
            for (uint256 i = 0; i < RATE; i++) {
                block_[i] = _element(row, dtype, first + i);
            }
            Poseidon.absorb(state, block_);
        }
        return Poseidon.digest(state);
    }

    /// @dev Element `index` of a row's hash; zero behind the last one.
    function _element(bytes calldata row, uint256 dtype, uint256 index)
        private
        pure
        returns (uint256 packed)
    {
        if (index == 0) return (row.length << 8) | dtype;
        uint256 from = (index - 1) * CELLS_PER_ELEMENT;
        if (from >= row.length) return 0;
        assembly ("memory-safe") {
            packed := shr(200, calldataload(add(row.offset, from)))
        }
        if (dtype == I8) packed ^= 0x80808080808080;
        uint256 there = row.length - from;
        if (there < CELLS_PER_ELEMENT) {
            // The last element is filled up with zeros.
            uint256 missing = 8 * (CELLS_PER_ELEMENT - there);
            packed = packed >> missing << missing;
        }
    }
}

/// @title The door before a generated halo2 verifier
/// @notice The generated contract reads raw calldata, `instances ++ proof`, and returns nothing; it accepts an instance
/// plus the order of BN254's scalar field, bytes after the proof, and, called where no code is, anything. Lengths and code are
/// checked here; the contracts that inherit check that each instance is below the order of Goldilocks.
abstract contract GeneratedVerifier {
    /// @notice Hash of the string that everybody can make, with a public secret: known here, so that it is refused
    /// outside the development chain even where nobody says what it is.
    bytes32 public constant DEVELOPMENT_SRS =
        0xdffdc98afb7653a37e0a0b4cea789eaa86043a3f6d89159eb924bb7dff93b1c6;

    uint256 private constant DEVELOPMENT_CHAIN = 31_337;

    /// @notice The generated verifier.
    address public immutable verifier;
    /// @notice Hash of the verifier's code at deployment; checked at every call.
    bytes32 public immutable verifierCodeHash;
    /// @notice Length of a proof, in bytes.
    uint256 public immutable proofLength;
    /// @notice Hash of the structured reference string under which the verifying key was made.
    bytes32 public immutable srsHash;
    /// @notice Whether that string was made locally, so that whoever made it can forge proofs.
    bool public immutable developmentSrs;

    /// @dev No code at the verifier's address, or other code than at deployment.
    error VerifierCodeChanged(address verifier, bytes32 expected, bytes32 actual);
    /// @dev At deployment: the address has no code.
    error VerifierWithoutCode(address verifier);
    /// @dev A development SRS is for chain 31337 only: load a ceremony's file.
    error DevelopmentSrsOutsideDevelopmentChain(uint256 chainId);
    error ZeroProofLength();
    error WrongProofLength(uint256 expected, uint256 actual);

    constructor(address verifier_, uint256 proofLength_, bytes32 srsHash_, bool developmentSrs_) {
        if (verifier_.code.length == 0) revert VerifierWithoutCode(verifier_);
        developmentSrs = developmentSrs_ || srsHash_ == DEVELOPMENT_SRS;
        if (developmentSrs && block.chainid != DEVELOPMENT_CHAIN) {
            revert DevelopmentSrsOutsideDevelopmentChain(block.chainid);
        }
        if (proofLength_ == 0) revert ZeroProofLength();
        verifier = verifier_;
        verifierCodeHash = verifier_.codehash;
        proofLength = proofLength_;
        srsHash = srsHash_;
    }

    /// @dev Reverts unless the verifier's code is that of the deployment and a proof of this length can be one.
    function _checkVerifier(uint256 length) internal view {
        if (verifier.codehash != verifierCodeHash) {
            revert VerifierCodeChanged(verifier, verifierCodeHash, verifier.codehash);
        }
        if (length != proofLength) revert WrongProofLength(proofLength, length);
    }

    /// @dev Asks the generated verifier: `question` is the instances, a word each and below the order, then the proof.
    function _ask(bytes memory question) internal view returns (bool success) {
        (success,) = verifier.staticcall(question);
    }
}

/// @title Verifies that an output is a program's
/// @notice One generated verifier serves all programs; what makes this contract one program's are the digests that it pins.
/// `janction program export-verifier` writes a contract with them, and whoever deploys it makes them anew from the job binary
/// (docs/program-proofs.md). It keeps nothing and trusts nobody: call it from a contract that acts on the output.
contract ProgramVerifier is GeneratedVerifier {
    /// @notice What makes a verifier one program's.
    struct Program {
        /// Digest of the program.
        bytes32 digest;
        /// Digest of the key that its audits are verified with. It follows from program and policy.
        bytes32 auditKey;
        /// What must have been checked: 0 is everything, s are s drawn rows of every operation.
        uint256 policy;
        /// Depth of the trees over rows.
        uint256 depth;
        /// Cells of a row of the input, and their type: 1 for int8, 2 for uint8.
        uint256 inputColumns;
        uint256 inputType;
        /// The same of the output.
        uint256 outputColumns;
        uint256 outputType;
        /// Hash of the generated verifier's code; zero where whoever deploys vouches for it.
        bytes32 verifierCode;
    }

    /// @notice Number of public inputs, each an element of Goldilocks.
    uint256 public constant INSTANCES = 18;

    /// @notice Digest of the program.
    bytes32 public immutable program;
    /// @notice Digest of the key that the program's audits are verified with.
    bytes32 public immutable auditKey;
    /// @notice What must have been checked: 0 is everything, s are s drawn rows of every operation.
    uint256 public immutable policy;
    /// @notice Depth of the trees over rows: there are at most 2^depth rows.
    uint256 public immutable depth;
    /// @notice Cells of a row of the input.
    uint256 public immutable inputColumns;
    /// @notice Type of the input's cells: 1 for int8, 2 for uint8.
    uint256 public immutable inputType;
    /// @notice Cells of a row of the output.
    uint256 public immutable outputColumns;
    /// @notice Type of the output's cells.
    uint256 public immutable outputType;

    /// @dev A digest has an element that is not below the order of Goldilocks.
    error NonCanonicalDigest(bytes32 digest);
    /// @dev There are 1 to 2^depth rows.
    error WrongRowCount(uint256 rows, uint256 depth);
    /// @dev Input and output have different numbers of rows.
    error RowsDiffer(uint256 inputRows, uint256 outputRows);
    /// @dev At deployment: another contract stands where the generated verifier should.
    error OtherVerifier(address verifier, bytes32 expected, bytes32 actual);
    /// @dev At deployment: no such policy, depth or type.
    error InvalidProgram();

    constructor(
        address verifier_,
        uint256 proofLength_,
        bytes32 srsHash_,
        bool developmentSrs_,
        Program memory pinned
    ) GeneratedVerifier(verifier_, proofLength_, srsHash_, developmentSrs_) {
        if (pinned.verifierCode != 0 && verifier_.codehash != pinned.verifierCode) {
            revert OtherVerifier(verifier_, pinned.verifierCode, verifier_.codehash);
        }
        _checkDigest(pinned.digest);
        _checkDigest(pinned.auditKey);
        bool known = pinned.policy < 1 << 24 && pinned.depth <= 24 && _isType(pinned.inputType)
            && _isType(pinned.outputType) && pinned.inputColumns > 0 && pinned.outputColumns > 0;
        if (!known) revert InvalidProgram();
        program = pinned.digest;
        auditKey = pinned.auditKey;
        policy = pinned.policy;
        depth = pinned.depth;
        inputColumns = pinned.inputColumns;
        inputType = pinned.inputType;
        outputColumns = pinned.outputColumns;
        outputType = pinned.outputType;
    }

    /// @notice Whether `proof` proves that the program makes the tensor under `outputRoot` of the one under `inputRoot`.
    /// @dev Reverts, with a typed error, on anything but a well-formed question. Roots are four elements of 8 bytes,
    /// big-endian. *`rows` must come from where `inputRoot` comes from*, never from whoever brings the proof: a proof of fewer
    /// rows than lie under the roots says nothing of the others. `false` is no evidence of anything: whoever calls with too
    /// little gas gets it, too.
    function verify(uint256 rows, bytes32 inputRoot, bytes32 outputRoot, bytes calldata proof)
        public
        view
        returns (bool)
    {
        _checkVerifier(proof.length);
        if (rows == 0 || rows > 2 ** depth) revert WrongRowCount(rows, depth);
        _checkDigest(inputRoot);
        _checkDigest(outputRoot);
        return _ask(
            abi.encodePacked(
                _instances(auditKey),
                _instances(program),
                _instances(inputRoot),
                _instances(outputRoot),
                rows,
                policy,
                proof
            )
        );
    }

    /// @notice The same for cells, row after row, a byte each (int8 in two's complement).
    /// @dev About 80,000 gas for every 56 cells of a row, and for every node of the trees over rows. Nothing is left to trust
    /// but what is pinned.
    function verifyCells(bytes calldata input, bytes calldata output, bytes calldata proof)
        external
        view
        returns (bool)
    {
        uint256 rows = input.length / inputColumns;
        if (rows != output.length / outputColumns) revert RowsDiffer(rows, output.length / outputColumns);
        return verify(rows, inputRootOf(input), outputRootOf(output), proof);
    }

    /// @notice Root over the rows of an input.
    function inputRootOf(bytes calldata cells) public view returns (bytes32) {
        return Rows.root(cells, inputColumns, inputType, depth);
    }

    /// @notice Root over the rows of an output.
    function outputRootOf(bytes calldata cells) public view returns (bytes32) {
        return Rows.root(cells, outputColumns, outputType, depth);
    }

    function _checkDigest(bytes32 digest) private pure {
        if (!Goldilocks.isCanonical(digest)) revert NonCanonicalDigest(digest);
    }

    function _isType(uint256 dtype) private pure returns (bool) {
        return dtype == 1 || dtype == 2;
    }

    /// @dev The elements of a digest, a word each.
    function _instances(bytes32 digest) private pure returns (uint256[4] memory words) {
        for (uint256 i = 0; i < 4; i++) {
            words[i] = Goldilocks.element(digest, i);
        }
    }
}

/// @title Verifies that an output is that of the program "digits", policy full
/// @notice Written by `janction program export-verifier`. Whoever deploys it makes it anew from the job binary and compares.
contract DigitsVerifier is ProgramVerifier {
    constructor(address halo2Verifier)
        ProgramVerifier(
            halo2Verifier,
            1952,
            0xdffdc98afb7653a37e0a0b4cea789eaa86043a3f6d89159eb924bb7dff93b1c6,
            true,
            Program({
                digest: 0xf8cd971c3e02ae8120e172a73e279d30e447c24c30dd43619f1dd88d1b0404dd,
                auditKey: 0xd5d10e2f2af8a607f9d3cfcebc904e43aaf1298e69d40ed4f39754299f7f86c9,
                policy: 0,
                depth: 2,
                inputColumns: 64,
                inputType: 2,
                outputColumns: 10,
                outputType: 1,
                verifierCode: 0x15b98bf7daeb00c7b9c6cf260d2ed967deded9077fc18612bbdfa7dfc9d1f74a
            })
        )
    {}
}
