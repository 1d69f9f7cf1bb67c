namespace StreamingCnn.Tests.Documentation;

public class ReadmeTests
{
    /// <summary>The build has taken the example out of the README, word for word, and compiled it.</summary>
    [Fact]
    public void The_example_runs() => ReadmeExample.Run();
}
