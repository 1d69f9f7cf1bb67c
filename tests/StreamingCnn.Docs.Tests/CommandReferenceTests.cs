namespace StreamingCnn.Docs.Tests;

public class CommandReferenceTests
{
    [Fact]
    public void The_reference_is_the_programs_own() => GeneratedFile.Is(CommandReference.Name, CommandReference.Write());
}
