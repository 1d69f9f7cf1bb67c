using System.Globalization;
using System.Text;
using StreamingCnn.Geometry;
using StreamingCnn.Graph;

namespace StreamingCnn.Planning.Programs;

/// <summary>Writes programs down for people: a line for each instruction, with the bytes alive behind it.</summary>
/// <param name="graph">The network, whose layers' names are used.</param>
internal sealed class ProgramText(NetworkGraph graph)
{
    /// <summary>The program, a line for each instruction.</summary>
    /// <param name="program">The program.</param>
    /// <param name="memory">Goes through it as well, after whatever it has gone through before; null to leave bytes out.</param>
    public string Of(TileProgram program, ProgramMemory? memory = null)
    {
        var text = new StringBuilder();
        if (memory is null)
        {
            foreach (var instruction in program.Instructions)
                text.Append(Line(instruction)).Append('\n');
        }
        else
        {
            memory.Run(program, (instruction, bytes) => text.Append(
                CultureInfo.InvariantCulture, $"{Line(instruction),-78} {bytes / 1048576.0,10:0.00} MiB\n"));
        }

        return text.ToString();
    }

    /// <summary>One instruction.</summary>
    public string Line(Instruction instruction) => instruction switch
    {
        ReadSource read => Line("read", read.Source, Size(read.Region)),
        ReadWindow read => Line("read", read.Source, Size(read.Window)),
        Compute compute => Line(
            "compute",
            compute.Node,
            $"{Size(compute.Output)} from {Size(compute.Input)}{(compute.Padded > 0 ? ", padded" : "")}{Recorded(compute.Records)}"),
        RecordAlone record => Line(
            "record", record.Node, $"{Size(record.Output)} from {Size(record.Input)}{(record.Padded > 0 ? ", padded" : "")}"),
        Apply apply => Line("apply", apply.Node, Size(apply.Window) + Recorded(apply.Records)),
        Overwrite overwrite => Line("overwrite", overwrite.Node, Size(overwrite.Window) + Recorded(overwrite.Records)),
        StoreStrips store => Line("leave strips", store.Node),
        ForgetStrips => "forget strips",
        WriteSink write => Line("write", write.Node, $"{Size(write.Region)} to output {write.Sink + 1}"),
        CutWindow cut => Line("window", cut.Node, $"{Size(cut.Window)}, its own"),
        GatherWindow gather => Line(
            "window",
            gather.Node,
            $"{Size(gather.Window)}, {(gather.Inside.IsEmpty ? "all" : $"{Size(gather.Inside)} its own, the rest")} from strips"),
        ReleaseWindow release => Line("release", release.Node),
        ReleaseRectangle release => Line("release", release.Node, "rectangle"),
        SendStrips send => Line("send to strips", send.Node),
        CutGradient cut => Line("gradient", cut.Node, $"{Size(cut.Region)}, of the window's"),
        ZeroGradient zero => Line(
            "gradient", zero.Node, $"{Size(zero.Region)}, zeros{(zero.Inside.IsEmpty ? "" : $" and {Size(zero.Inside)} of the window's")}"),
        CopyGradient copy => Line("gradient", copy.Node, $"{Size(copy.Region)}, a copy"),
        TakeStripGradients take => Line("add of strips", take.Node),
        ReadSinkGradient read => Line(read.IsFirst ? "gradient" : "add", read.Node, $"{Size(read.Region)} of output {read.Sink + 1}"),
        Backpropagate back => Line("backwards", back.Node, back.Read.IsEmpty ? "" : $"to {Size(back.Read)}"),
        Discard discard => Line("discard", discard.Node, "record"),
        ReleaseGradient release => Line("release", release.Node, "gradient"),
        AddGradient add => Line(Verb(add.Joining), add.Node, $"{Size(add.Part)} to the gradient of {Size(add.Window)}"),
        AddSourceGradient add => Line("hand on", add.Source, Size(add.Part)),
        AddWindowGradient add => Line("hand on", add.Source, Size(add.Window)),
        _ => throw new InvalidOperationException($"There are no words for {instruction}."),
    };

    private string Line(string verb, int node, string what = "") => $"{verb,-15}{Name(node),-28}{what}".TrimEnd();

    private string Name(int node) => string.Create(CultureInfo.InvariantCulture, $"{node} {graph.Nodes[node].Path}");

    private static string Verb(Joining joining) => joining switch
    {
        Joining.Adopt => "becomes",
        Joining.AddSum => "add, swapped",
        Joining.AddToCopy => "add to a copy",
        Joining.AddToZeros => "add to zeros",
        _ => "add",
    };

    private static string Recorded(bool records) => records ? ", recorded" : "";

    private static string Size(Region region) =>
        string.Create(CultureInfo.InvariantCulture, $"{region.Rows.Length} x {region.Columns.Length}");
}
