using System.Text;

namespace StreamingCnn.Attacks.Tests.Samples;

/// <summary>Files of options.</summary>
internal static class OptionSamples
{
    public static IReadOnlyList<Sample> All() =>
    [
        Text("some.json", "{\"model\": \"small\", \"tile\": 128, \"epochs\": 3, \"rate\": 0.01, \"balanced\": true, \"seed\": 3}"),
        Text(
            "others.json",
            "{\"model\": \"small\", \"memory\": \"64MiB\", \"pooling\": \"average\", \"dropout\": \"0.5\", "
            + "\"schedule\": \"cosine\", \"warm-up\": 2}"),
        Text("deep.json", new string('[', 300_000), isHarmful: true),
        Text("deep-object.json", string.Concat(Enumerable.Repeat("{\"model\":", 100_000)), isHarmful: true),
        Text("long.json", $"{{\"model\": \"{new string('a', 1 << 20)}\"}}", isHarmful: true),
        Text("long-name.json", $"{{\"{new string('a', 1 << 20)}\": 1}}", isHarmful: true),
        Text("again.json", $"{{{string.Join(',', Enumerable.Repeat("\"tile\": \"64\"", 50_000))}}}", isHarmful: true),
        Text("unknown.json", $"{{{string.Join(',', Enumerable.Range(0, 20_000).Select(i => $"\"unknown{i}\": 1"))}}}", isHarmful: true),
        Text("huge-tile.json", "{\"tile\": \"9223372036854775807x9223372036854775807\"}", isHarmful: true),
        Text("large-tile.json", "{\"tile\": \"2147483647x2147483647\"}", isHarmful: true),
        Text("no-memory.json", "{\"memory\": \"1B\"}", isHarmful: true),
        Text("response-file.json", "{\"model\": \"@/etc/passwd\"}", isHarmful: true),
        Text("config-in-config.json", "{\"config\": \"config-in-config.json\"}", isHarmful: true),
        Text("empty.json", "", isHarmful: true),
    ];

    private static Sample Text(string name, string text, bool isHarmful = false) =>
        new(name, Encoding.UTF8.GetBytes(text), IsHarmful: isHarmful);
}
