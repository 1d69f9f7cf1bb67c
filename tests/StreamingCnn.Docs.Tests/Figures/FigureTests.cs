namespace StreamingCnn.Docs.Tests.Figures;

/// <summary>The figures of the documents are drawn from the library's own geometry.</summary>
public class FigureTests
{
    [Fact]
    public void Homes() => GeneratedFile.Is("docs/figures/homes.svg", HomesFigure.Draw());

    [Fact]
    public void Carry() => GeneratedFile.Is("docs/figures/carry.svg", CarryFigure.Draw());
}
