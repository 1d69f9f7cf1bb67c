using System.IO.Compression;
using System.Text;
using StreamingCnn.Tests.Interop;

namespace StreamingCnn.Attacks.Tests.Samples;

/// <summary>Files of weights, sound ones and others.</summary>
internal static class WeightSamples
{
    private const string Entry = "{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]}";
    private const string Header =
        "{\"__metadata__\":{\"made\":\"here\"},\"a\":" + Entry + ",\"b.c\":{\"dtype\":\"BOOL\",\"shape\":[1],\"data_offsets\":[24,25]}}";

    private const string Tensor =
        "ctorch._utils\n_rebuild_tensor_v2\n((S'storage'\nctorch\nFloatStorage\nS'0'\nS'cpu'\nI4\ntQI0\n(I4\nt(I1\ntI00\nNtR";

    public static IReadOnlyList<Sample> Safetensors() =>
    [
        new("whole.safetensors", WithHeader(Encoding.UTF8.GetBytes(Header), 25)),
        new("header.safetensors", Encoding.UTF8.GetBytes(Header), header => WithHeader(header, 25)),
        new("empty.safetensors", WithHeader("{}"u8.ToArray(), 0)),
        Harmful(
            "many-tensors",
            Object(Enumerable.Range(0, 20_000).Select(i => $"\"{i}\":{{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}"))),
        Harmful("one-name", Object(Enumerable.Repeat("\"a\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}", 20_000))),
        Harmful("deep", $"{{\"a\":{new string('[', 500_000)}"),
        Harmful("deep-objects", string.Concat(Enumerable.Repeat("{\"a\":", 200_000))),
        Harmful("long-name", $"{{\"{new string('a', 1 << 20)}\":{{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}}}"),
        Harmful("name-of-points", $"{{\"{new string('.', 4000)}\":{{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}}}"),
        Harmful(
            "many-dimensions",
            $"{{\"a\":{{\"dtype\":\"U8\",\"shape\":[{string.Join(',', Enumerable.Repeat("1", 400_000))}],\"data_offsets\":[0,1]}}}}",
            1),
        Harmful("huge-sizes", "{\"a\":{\"dtype\":\"U8\",\"shape\":[9223372036854775807,9223372036854775807,0],\"data_offsets\":[0,0]}}"),
        Harmful("metadata", $"{{\"__metadata__\":{Object(Enumerable.Range(0, 60_000).Select(i => $"\"{i}\":\"x\""))}}}"),
        Harmful("digits", $"{{\"a\":{{\"dtype\":\"U8\",\"shape\":[{new string('9', 1 << 20)}],\"data_offsets\":[0,0]}}}}"),
        Harmful("control", "{\"\\u001b[31m\\n\":{\"dtype\":\"\\u0007\",\"shape\":[0],\"data_offsets\":[0,0]}}"),
        new("length.safetensors", [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, (byte)'{', (byte)'}'], IsHarmful: true),
    ];

    public static IReadOnlyList<Sample> PyTorch()
    {
        var pickles = new[] { 2, 4 }.Select(protocol => (protocol, Unzip(PickledSamples.WithObjectsBeside[protocol]))).ToArray();
        return
        [
            new("legacy.pth", Convert.FromBase64String(PickledSamples.Legacy)),
            new("zip.pth", Convert.FromBase64String(PickledSamples.Zip)),
            new("protocol4.pth", Convert.FromBase64String(PickledSamples.ZipProtocol4)),
            new("bigendian.pth", Convert.FromBase64String(PickledSamples.ZipBigEndian)),
            new("pickle.pth", Text($"(dS'a'\n{Tensor}sS'epoch'\nI3\ns."), Zip),
            .. pickles.Select(pickle => new Sample($"pickle{pickle.protocol}.pth", pickle.Item2, Zip)),
            .. MaliciousPickles.All.Select(pickle => new Sample($"{pickle.Name}.pth", Zip(pickle.Bytes), IsHarmful: true)),
            .. MaliciousZips.All,
        ];
    }

    public static byte[] Text(string text) => Encoding.Latin1.GetBytes(text);

    /// <summary>A pickle as PyTorch stores it, with one storage of 24 bytes and one of 4.</summary>
    public static byte[] Zip(byte[] pickle) => Zip(
        CompressionLevel.NoCompression, ("archive/data.pkl", pickle), ("archive/data/0", new byte[24]), ("archive/data/1", new byte[4]));

    public static byte[] Zip(CompressionLevel level, params (string Name, byte[] Content)[] entries)
    {
        using var content = new MemoryStream();
        using (var zip = new ZipArchive(content, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach (var (name, bytes) in entries)
            {
                using var stream = zip.CreateEntry(name, level).Open();
                stream.Write(bytes);
            }
        }

        return content.ToArray();
    }

    private static byte[] Unzip(string text)
    {
        using var zipped = new ZLibStream(new MemoryStream(Convert.FromBase64String(text)), CompressionMode.Decompress);
        using var unzipped = new MemoryStream();
        zipped.CopyTo(unzipped);
        return unzipped.ToArray();
    }

    private static Sample Harmful(string name, string header, int values = 0) =>
        new($"{name}.safetensors", WithHeader(Encoding.UTF8.GetBytes(header), values), IsHarmful: true);

    private static string Object(IEnumerable<string> members) => $"{{{string.Join(',', members)}}}";

    private static byte[] WithHeader(byte[] header, int values) =>
        [.. BitConverter.GetBytes((long)header.Length), .. header, .. new byte[values]];
}
