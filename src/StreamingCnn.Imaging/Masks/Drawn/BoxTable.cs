using StreamingCnn.Imaging.DataSets;

namespace StreamingCnn.Imaging.Masks.Drawn;

/// <summary>Boxes in a table, one on each line: <c>class,left,top,right,bottom</c> or <c>class,x,y,width,height</c>, in pixels.</summary>
internal static class BoxTable
{
    private const string ClassColumn = "class";

    private static readonly string[] Corners = ["left", "top", "right", "bottom"];
    private static readonly string[] Sizes = ["x", "y", "width", "height"];

    /// <exception cref="ImageFormatException">The table cannot be read, or a line is no box on the image.</exception>
    public static IReadOnlyList<Shape> Read(string path, ImageInfo image)
    {
        try
        {
            var problems = new DataProblems();
            var table = Table.Read(path, [ClassColumn], problems);
            problems.ThrowIfAny(path);
            return [.. Boxes(path, image, table)];
        }
        catch (DataSetException error)
        {
            throw new ImageFormatException(path, $"{error.Problems[0].TrimEnd('.')}.", error);
        }
    }

    private static IEnumerable<Shape> Boxes(string path, ImageInfo image, Table table)
    {
        var name = table.Find(ClassColumn);
        var hasCorners = Corners.All(column => table.Find(column) >= 0);
        if (name < 0 || (!hasCorners && !Sizes.All(column => table.Find(column) >= 0)))
        {
            throw new ImageFormatException(
                path,
                $"boxes need the columns class,left,top,right,bottom or class,x,y,width,height, but its columns are {table.ColumnNames}.");
        }

        var columns = hasCorners ? Corners : Sizes;
        var places = Array.ConvertAll(columns, table.Find);
        foreach (var row in table.Rows)
        {
            var place = $"the box on line {row.Line}";
            if (row.Fields[name].Length == 0)
                throw new ImageFormatException(path, $"{place} has no class; name it.");
            var (left, top, right, bottom) = Box(row);
            if (!hasCorners)
                (right, bottom) = (left + right, top + bottom);
            if (!(left < right && top < bottom))
                throw new ImageFormatException(path, $"{place} has no area; its right must be beyond its left, and its bottom beyond its top.");
            yield return ShapePlace.OnImage(
                new(row.Fields[name], [[(left, top), (right, top), (right, bottom), (left, bottom)]], place), path, image);
        }

        (double Left, double Top, double Right, double Bottom) Box(TableRow row)
        {
            var found = new double[columns.Length];
            foreach (var (number, column) in columns.Index())
            {
                var text = row.Fields[places[number]];
                if (!TableNumber.TryParse(text, table.Delimiter == ';', out found[number]))
                    throw new ImageFormatException(path, $"the box on line {row.Line} has '{text}' for its {column}, which is no number.");
            }

            return (found[0], found[1], found[2], found[3]);
        }
    }
}
