namespace StreamingCnn.Docs.Tests;

/// <summary>What the documents show in C#: the build takes it out of them word for word and compiles it, and here it is run.</summary>
public class ExampleTests
{
    public static TheoryData<string> Places => [.. MarkdownExamples.All.Select(example => example.Place)];

    [Theory]
    [MemberData(nameof(Places))]
    public void An_example_runs(string place)
    {
        var run = MarkdownExamples.All.Single(example => example.Place == place).Run;
        if (run is null)
            return;
        using var folder = new SampleFolder();
        using var scope = TorchSharp.torch.NewDisposeScope();
        run();
    }
}
