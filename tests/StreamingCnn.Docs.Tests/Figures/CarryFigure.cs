namespace StreamingCnn.Docs.Tests.Figures;

/// <summary>The order of tiles in the two passes, and which way values and gradients go.</summary>
internal static class CarryFigure
{
    private const int Rows = 3, Columns = 4, Side = 84, Strip = 12, Top = 74;

    public static string Draw()
    {
        var panel = (Columns * Side) + 96;
        var picture = new Svg((2 * panel) + 24, Top + (Rows * Side) + 84, "Forwards, tiles go from the first to the last and leave strips behind; backwards, from the last to the first, and gradients go back to the strips' homes.");
        Panel(picture, 40, "Forward", backward: false);
        Panel(picture, 40 + panel, "Backward", backward: true);
        return picture.ToString();
    }

    private static void Panel(Svg picture, int left, string title, bool backward)
    {
        // Tile 7 of 12 is at work.
        const int Row = 1, Column = 2;
        picture.Text(left, 32, title, 17, bold: true);
        picture.Text(
            left, 52, backward
                ? "from the last tile to the first; each is computed once more"
                : "from the first tile to the last; each leaves strips behind", 12, colour: "#567");
        for (var row = 0; row < Rows; row++)
        {
            for (var column = 0; column < Columns; column++)
            {
                var number = (row * Columns) + column + 1;
                var here = row == Row && column == Column;
                var done = backward ? number > (Row * Columns) + Column + 1 : number < (Row * Columns) + Column + 1;
                var (x, y) = (left + (column * Side), Top + (row * Side));
                picture.Rectangle(x, y, Side, Side, here ? "#2e86ab" : done ? "#cfdfea" : "#eef3f8", "#9fb3c8", here ? 0.75 : 1);
                picture.Text(
                    x + (Side / 2), y + (Side / 2)
                        + 5, $"{(backward ? (Rows * Columns) + 1 - number : number)}", 15, bold: here, centred: true, colour: here
                        ? "#fff"
                        : "#567");
            }
        }

        // The strips that this tile reads: rows above, over its own columns and those that it reads to the left; columns at its left.
        var (tileX, tileY) = (left + (Column * Side), Top + (Row * Side));
        picture.Rectangle(tileX - Strip, tileY - Strip, Side + Strip, Strip, "#f3a712", "#b97d06");
        picture.Rectangle(tileX - Strip, tileY, Strip, Side, "#f3a712", "#b97d06");
        if (backward)
        {
            picture.Arrow(tileX + (Side / 2), tileY - 2, tileX + (Side / 2), tileY - 36, "#e4572e");
            picture.Arrow(tileX - 2, tileY + 22, tileX - 36, tileY + 22, "#e4572e");
            picture.Arrow(tileX - 4, tileY - 4, tileX - 28, tileY - 28, "#e4572e");
        }
        else
        {
            picture.Arrow(tileX + (Side / 2), tileY - 34, tileX + (Side / 2), tileY + 12, "#1d5f7a");
            picture.Arrow(tileX - 34, tileY + 22, tileX + 12, tileY + 22, "#1d5f7a");
            picture.Arrow(tileX - 28, tileY - 28, tileX + 4, tileY + 4, "#1d5f7a");
        }

        picture.Rectangle(left, Top + (Rows * Side) + 24, 16, 16, "#f3a712", "#b97d06");
        picture.Text(
            left + 24, Top + (Rows * Side)
                + 37, backward ? "what the tile reads; its gradient is added to that of" : "what the tile reads of those before it;", 12);
        picture.Text(
            left + 24, Top + (Rows * Side) + 54, backward
                ? "the tiles that computed it, whose turn is still to come"
                : "the image itself is read from its source", 12);
    }
}
