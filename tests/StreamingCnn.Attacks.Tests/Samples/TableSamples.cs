using System.Text;

namespace StreamingCnn.Attacks.Tests.Samples;

/// <summary>Tables of images and labels.</summary>
internal static class TableSamples
{
    private const string Table =
        "image,label,split\nsmall.png,1,train\nsmall.png,0,train\nsmall.png,1,validation\nsmall.png,0,validation\n";

    public static IReadOnlyList<Sample> All()
    {
        // Beside the tables, which are written into the folder where the process works.
        File.WriteAllBytes("small.png", PhotographSamples.Small("png"));
        return
        [
            Text("plain.csv", Table),
            Text("semicolons.csv", Table.Replace(',', ';')),
            Text("tabs.csv", Table.Replace(',', '\t')),
            Text("marked.csv", "\ufeff" + Table.Replace("\n", "\r\n", StringComparison.Ordinal)),
            Text("quoted.csv", "\"image\",\"label\"\n\"small.png\",\"a \"\"b\"\"\"\n\"small.png\",\"c,\nd\"\n"),
            Text("quotation-marks.csv", "image,label\n" + new string('"', 1_000_001), isHarmful: true),
            Text("one-line.csv", "image,label\n" + new string('x', 1_000_000), isHarmful: true),
            Text("columns.csv", string.Join(',', Enumerable.Range(0, 100_000)) + "\n1,2\n", isHarmful: true),
            Text(
                "same-columns.csv",
                "image,label," + string.Join(',', Enumerable.Repeat("label", 100_000)) + "\nsmall.png,2\n",
                isHarmful: true),
            Text("commas.csv", "image,label\n" + new string(',', 1_000_000), isHarmful: true),
            Text("lines.csv", "image,label\n" + new string('\n', 1_000_000), isHarmful: true),
            Text(
                "wide-rows.csv",
                "image,label\n" + string.Concat(Enumerable.Repeat("small.png,1,,,,,,,,,,,,,,,,,,,,,,\n", 2000)),
                isHarmful: true),
            Text(
                "many-classes.csv",
                "image,label\n" + string.Concat(Enumerable.Range(0, 300).Select(i => $"small.png,class {i}\n")),
                isHarmful: true),
            Text(
                "many-missing.csv",
                "image,label\n" + string.Concat(Enumerable.Range(0, 20_000).Select(i => $"no{i}.png,{i % 2}\n")),
                isHarmful: true),
            Text("folders.csv", "image,label\n/,a\n..,b\n/proc/self/mem,a\n/dev/zero,b\n/dev/null,a\n", isHarmful: true),
            Text(
                "deep-folders.csv",
                $"image,label\n{string.Concat(Enumerable.Repeat("a/", 400_000))}b.png,a\nsmall.png,b\n",
                isHarmful: true),
            Text("zero-bytes.csv", "image,label\nsmall.png\0,a\0\n\0,b\n", isHarmful: true),
            new("zeros.csv", new byte[1 << 20], IsHarmful: true),
            new("utf16.csv", [.. Encoding.Unicode.GetPreamble(), .. Encoding.Unicode.GetBytes(Table)]),
        ];
    }

    private static Sample Text(string name, string text, bool isHarmful = false) =>
        new(name, Encoding.UTF8.GetBytes(text), IsHarmful: isHarmful);
}
